"""`campaigns completion`, and what it completes: ids of campaigns, names of accounts.

Whatever goes wrong there is silent, and quick: who presses Tab wants neither a traceback nor to wait.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from campaigns.campaign import list_campaigns
from campaigns.errors import CampaignsError
from campaigns.text.harmless import harmless
from campaigns.wiring import default_services

_NEWEST: Final = 50
_PATIENCE_S: Final = 0.7
_SHELLS: Final = ("bash", "zsh", "fish")


@click.command(short_help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands, options, campaign ids and accounts.

    To install it: eval "$(campaigns completion bash)" in ~/.bashrc, the same with zsh in ~/.zshrc, or
    campaigns completion fish > ~/.config/fish/completions/campaigns.fish
    """
    cls = get_completion_class(shell)
    assert cls is not None  # noqa: S101 (one of click's own)
    click.echo(cls(ctx.find_root().command, {}, "campaigns", "_CAMPAIGNS_COMPLETE").source())


def campaign_ids(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest campaigns, as far as Redis tells in time."""
    found: list[CompletionItem] = []

    def look() -> None:
        # Nobody reads a traceback in the middle of a command line.
        with suppress(Exception):
            found.extend(
                CompletionItem(status.id, help=harmless(f"{status.state}  {status.name}".rstrip()))
                for status in list_campaigns(default_services(), _NEWEST)
                if status.id.startswith(incomplete)
            )

    # The client tries for ten seconds and more to reach a Redis that is away; it is left behind.
    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(_PATIENCE_S)
    return list(found)


def accounts(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The accounts that have a token in the environment."""
    try:
        names = sorted(default_services().settings.accounts)
    except CampaignsError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
