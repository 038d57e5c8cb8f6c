"""Values that a shell completes: campaign ids and account names.

Errors print nothing, and the store has less than a second to answer, because the user is typing.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Final

import click
from click.shell_completion import CompletionItem

from campaigns.campaign import list_campaigns
from campaigns.errors import CampaignsError
from campaigns.text.harmless import harmless
from campaigns.wiring import default_services

#: Campaigns that are offered, newest first.
_NEWEST: Final = 50
_PATIENCE_S: Final = 0.7


def campaign_ids(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest campaigns, or none if Redis does not answer within 0.7 s."""
    found: list[CompletionItem] = []

    def read() -> None:
        # A traceback would break the command line that is being typed.
        with suppress(Exception):
            found.extend(
                CompletionItem(status.id, help=harmless(f"{status.state}  {status.name}".rstrip()))
                for status in list_campaigns(default_services(), _NEWEST)
                if status.id.startswith(incomplete)
            )

    # The client keeps trying to reach Redis for ten seconds and more, so the thread is abandoned.
    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(_PATIENCE_S)
    return list(found)


def accounts(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The accounts that have a token in the environment."""
    try:
        names = default_services().settings.all_accounts
    except CampaignsError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
