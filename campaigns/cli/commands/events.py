"""`campaigns events`: the event stream from a shell, for people and for programs in other languages."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from campaigns.cli.errors.handling import reports_errors
from campaigns.cli.input.options import as_json
from campaigns.cli.output.screen import console, print_json
from campaigns.consume import consume, stop_on_signals
from campaigns.events import Groups, position_of
from campaigns.logs import to_stderr
from campaigns.wiring import INTERACTIVE, consumer_settings, consumer_store, default_services


@click.command(short_help="Print events as JSON lines; rewind or delete consumer groups.")
@click.option("--group", help="Read as a member of this group, and acknowledge what was printed.")
@click.option("--consumer", help="Name of this member. It starts with events that it read and did not acknowledge.")
@click.option("--since", help="Begin here: a time with offset, or a position. For a group only if it is new.")
@click.option("--follow", is_flag=True, help="Wait for further events, until Ctrl-C or SIGTERM.")
@click.option("--rewind", metavar="TIME", help="Set the group back to a time or a position.")
@click.option("--dead-letters", is_flag=True, help="Print events that the group could not process, with the reason.")
@click.option("--drop", metavar="ID", help="Delete this dead letter of the group, once it is dealt with.")
@click.option("--delete", is_flag=True, help="Delete the group, so that its unread events no longer fill the stream.")
@as_json
@reports_errors
def events(
    group: str | None,
    consumer: str | None,
    since: str | None,
    follow: bool,
    rewind: str | None,
    dead_letters: bool,
    drop: str | None,
    delete: bool,
    as_json: bool,
) -> None:
    """Print events as JSON lines: whole ones, or in a group single changes.

    --json changes the answers of --delete, --drop and --rewind, which are words otherwise.
    """
    if group is None:
        if consumer or rewind or dead_letters or drop or delete:
            raise click.UsageError("--consumer, --rewind, --dead-letters, --drop and --delete need --group")
        with stop_on_signals() as stopped:
            _print_stream(since, follow, stopped)
        return
    groups = Groups(consumer_store(timeouts=INTERACTIVE))
    if dead_letters:
        for letter in groups.dead_letters(group):
            print_json(letter.as_dict())
    elif delete or drop or rewind:
        done, words = _changed(groups, group, delete, drop, rewind)
        if as_json:
            print_json({"group": group, "done": done})
        else:
            console.print(words)
    elif not group.strip():
        raise click.BadParameter("the group must have a name", param_hint="--group")
    else:
        groups.all()  # fails at once without a server; a consumer that follows rides out restarts
        with to_stderr(consumer_settings().log_format), stop_on_signals() as stopped:
            _print_group(group, consumer, since, follow, stopped)


def _changed(groups: Groups, group: str, delete: bool, drop: str | None, rewind: str | None) -> tuple[bool, str]:
    """Whether something was changed, and that in words."""
    if delete:
        done = groups.delete(group)
        return done, f"group {group} is deleted" if done else f"there is no group {group}"
    if drop:
        done = groups.remove_dead_letter(group, drop)
        return done, "deleted" if done else f"there is no dead letter {drop}"
    groups.rewind(group, _checked("rewind", str(rewind)))
    return True, f"group {group} reads again from {rewind} on"


def _print_group(
    group: str, consumer: str | None, since: str | None, follow: bool, stopped: Callable[[], bool]
) -> None:
    start = _checked("since", since or "0")
    for event in consume(group, consumer=consumer, since=start, stop=stopped, idle_s=None if follow else 0.5):
        print_json(event.as_dict())


def _print_stream(since: str | None, follow: bool, stopped: Callable[[], bool]) -> None:
    stream = default_services().events
    position = "-" if since is None else f"({_checked('since', since)}"
    while not stopped():
        for event in stream.since(position):
            print_json(event.as_dict())
            position = f"({event.position}"
            if stopped():
                return
        if not follow:
            return
        time.sleep(0.25)


def _checked(option: str, text: str) -> str:
    try:
        return position_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"--{option}") from None
