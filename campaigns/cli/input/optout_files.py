"""Files of opt-outs: phones, and what they are opted out of if the file has columns for that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import click

from campaigns.cli.input.optout_scope import Narrowed
from campaigns.ledger import Scope, scope_named
from campaigns.recipients import Listed
from campaigns.settings import Settings
from campaigns.settings.accounts import check_account

#: No alias and no topic is longer. A longer cell is cut here, because the message about it repeats it.
_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class ReadOptOuts:
    """The phones of each scope, and what could not be read, with its line."""

    phones: dict[Scope, list[str]] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)


def read_optouts(lines: Iterable[Listed], narrowed: Narrowed, settings: Settings) -> ReadOptOuts:
    """Read all lines. An account that is unknown, or a topic that is none, is a problem of its line, whose phones are
    then not added: they would be opted out of something else than the file says.

    Raises click.UsageError if both the file and the options say what the opt-outs are of, and JobError for a file that
    cannot be read.
    """
    read = ReadOptOuts({scope_named(**narrowed): []})
    for one in lines:
        if one.problem is not None:
            read.problems.append((one.line, one.problem))
        try:
            scope = _scope(one, narrowed, settings)
        except ValueError as error:
            read.problems.append((one.line, str(error)))
            continue
        read.phones.setdefault(scope, []).extend(one.phones)
    return read


def _scope(one: Listed, narrowed: Narrowed, settings: Settings) -> Scope:
    """What the phones of a line are opted out of. Raises ValueError, and click.UsageError."""
    if not one.account and not one.topic:
        return scope_named(**narrowed)
    if any(narrowed.values()):
        raise click.UsageError(
            f"line {one.line} has its own account or topic: leave out --account and --topic, or these columns"
        )
    scope = scope_named(one.account[:_MOST] or None, one.topic[:_MOST] or None)
    check_account(settings, scope.account)
    return scope
