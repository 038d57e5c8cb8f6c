"""The `campaigns` command.

Exit codes: 0 all is well; 1 what was asked for was not reached (recipients rejected, held or unaccounted
for, a check of the doctor failed, time ran out); 2 the command line, the job or a setting is wrong;
3 Redis cannot be reached; 4 there is no such campaign; 5 not possible in this state; 130 Ctrl-C.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The entry point of the command."""
    try:
        from campaigns.cli.command_line import cli  # noqa: PLC0415 (the command's libraries are an extra)
    except ImportError as error:
        sys.exit(f"campaigns: {error.name} is not installed: pip install 'viber-campaigns[cli]'")
    # By this name also as `python -m campaigns.cli`: completion goes by it.
    cli(prog_name="campaigns")
