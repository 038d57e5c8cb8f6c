"""`campaigns completion`: the script that makes a shell complete the command line."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

_SHELLS: Final = ("bash", "zsh", "fish")


@click.command(short_help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that makes SHELL complete commands, options, campaign ids and accounts.

    To install it: eval "$(campaigns completion bash)" in ~/.bashrc, the same with zsh in ~/.zshrc, or
    campaigns completion fish > ~/.config/fish/completions/campaigns.fish
    """
    cls = get_completion_class(shell)
    assert cls is not None  # noqa: S101 (one of click's own)
    click.echo(cls(ctx.find_root().command, {}, "campaigns", "_CAMPAIGNS_COMPLETE").source())
