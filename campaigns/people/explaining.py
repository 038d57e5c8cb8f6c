"""One person's history in plain words, for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from campaigns.ledger import OptOut, Suppression, number_of
from campaigns.ledger.states import DRAFT, PAUSED, BatchState
from campaigns.people import Doubt, PersonHistory, SentMessage
from campaigns.recipients.exclusions import Exclusion
from campaigns.results import Reply
from campaigns.statuses import MEANINGS
from campaigns.text.wording import counted

_LABELS: Final[dict[str, str]] = {member: member.label for member in (*BatchState, *Exclusion)}
#: What a step into a doubt or out of it means.
_DOUBTS: Final[dict[str, str]] = {
    BatchState.UNKNOWN: "in doubt",
    BatchState.HELD: "held for a person to decide",
    BatchState.ACCEPTED: "the request had arrived",
    BatchState.PLANNED: "planned to be sent again",
    BatchState.REJECTED: "refused after all",
    BatchState.WRITTEN_OFF: "written off",
}
#: States of a message whose last attempt sent nothing.
_NOT_SENT: Final = frozenset({BatchState.PLANNED, BatchState.REJECTED, BatchState.CANCELLED})
_SENT: Final = frozenset({BatchState.ACCEPTED, BatchState.SETTLED})


@dataclass(frozen=True, slots=True)
class Extent:
    """How many campaigns are searched, the newest, and how many are kept."""

    searched: int
    kept: int

    @property
    def whole(self) -> bool:
        """Whether all are searched."""
        return self.searched >= self.kept

    def __str__(self) -> str:
        return f"searched only the newest {self.searched:,} of {self.kept:,} campaigns that are kept"


def explained(
    phone: str,
    traces: Iterable[PersonHistory],
    optouts: Sequence[OptOut],
    zone: tzinfo,
    suppression: Suppression | None = None,
    extent: Extent | None = None,
) -> Iterator[str]:
    """Lines about a phone: its opt-outs, its suppression, then each campaign as it is found. Times are in `zone`.

    `extent`: of the search, if it is not known to be whole.
    """
    yield f"{phone}, times in {zone}"
    if not optouts:
        yield "  not opted out"
    yield from (f"  {_opted_out(phone, optout, zone)}" for optout in optouts)
    if suppression is not None:
        since, messages = _time(suppression.since_ms, zone), counted(suppression.messages, "message")
        yield f"  suppressed since {since}: {messages} did not reach it; campaigns suppressed remove {phone}"
    partly = extent is not None and not extent.whole
    if partly:
        yield f"  {extent}"
    nowhere = True
    for trace in traces:
        nowhere = False
        yield ""
        yield from _campaign(trace, zone)
    if nowhere:
        yield "  in none of these" if partly else "  in no campaign that is kept"


def _opted_out(phone: str, optout: OptOut, zone: tzinfo) -> str:
    of = f" of {optout.scope.words}" if optout.account else ""
    since = f" since {_time(optout.since_ms, zone)}" if optout.since_ms else ""
    by, why = f" by {optout.by}" if optout.by else "", f": {optout.why}" if optout.why else ""
    return f"opted out{of}{since}{by}{why}; campaigns optouts remove {phone}{optout.scope.options}"


def _campaign(trace: PersonHistory, zone: tzinfo) -> Iterator[str]:
    name = f"{trace.name} ({trace.campaign_id})" if trace.name else trace.campaign_id
    yield f"{name}: {trace.kind}, account {trace.account}, handed in {_time(trace.created_ms, zone)}, {trace.state}"
    for reason, place in trace.excluded:
        yield f"  excluded: {_LABELS.get(reason, reason)} ({place})"
    for message in trace.messages:
        yield from (f"  {line}" for line in _message(trace, message, zone))
    for reply in trace.replies:
        yield f"  {_reply(reply, zone)}"


def _message(trace: PersonHistory, message: SentMessage, zone: tzinfo) -> Iterator[str]:
    about = f"{message.mailing}, " if message.mailing else ""
    yield f"{about}batch {message.batch_id}: {_state(message)}"
    if message.sent_ms is not None and message.attempt:
        yield f"  {_tried(message.state)} {_time(message.sent_ms, zone)}, attempt {message.attempt}"
    if message.starts_ms and message.state in _SENT:
        yield f"  scheduled for {_time(message.starts_ms, zone)}"
    ids = {"request": message.uuid, "message": message.message_id, "delivery": message.delivery_id}
    if known := [f"{what} {value}" for what, value in ids.items() if value]:
        yield f"  at the gateway: {', '.join(known)}"
    yield from (f"  {_doubt(doubt, zone)}" for doubt in message.doubts)
    if message.text and message.text not in {doubt.reason for doubt in message.doubts}:
        yield f"  reason: {message.text}"
    yield from (f"  {line}" for line in _fate(message, zone))
    if (todo := _todo(trace, message, zone)) is not None:
        yield f"  {todo}"


def _tried(state: str) -> str:
    """What is known of the last attempt to send a message: of one on the wire or in doubt only that it was begun."""
    if state in _SENT:
        return "sent"
    return "last tried" if state in _NOT_SENT else "begun"


def _doubt(doubt: Doubt, zone: tzinfo) -> str:
    person = f", decided by {doubt.by}" if doubt.by else ""
    why = f": {doubt.reason}" if doubt.reason else ""
    return f"{_time(doubt.at_ms, zone)} {_DOUBTS.get(doubt.state, doubt.state)}{person}{why}"


def _state(message: SentMessage) -> str:
    if message.state == BatchState.REJECTED and message.refused_here:
        return "refused here, before the gateway was paid"
    return _LABELS.get(message.state, message.state)


def _fate(message: SentMessage, zone: tzinfo) -> Iterator[str]:
    if message.status:
        meaning = MEANINGS.get(message.status, "the gateway's word")
        code = f", error code {message.error_code}" if message.error_code else ""
        at = f" {_time(message.at_ms, zone)}" if message.at_ms else ""
        yield f"{message.status}{at}: {meaning}{code}"
    elif message.state == BatchState.ACCEPTED:
        yield "no status yet"


def _todo(trace: PersonHistory, message: SentMessage, zone: tzinfo) -> str | None:
    """What can be done, or what happens next."""
    campaign_id, batch_id = trace.campaign_id, message.batch_id
    match message.state:
        case BatchState.PLANNED:
            return _waits_for(trace, message)
        case BatchState.UNKNOWN:
            return f"since {_time(message.since_ms, zone)} evidence is sought at the gateway; nothing to do yet"
        case BatchState.HELD:
            return (
                f"since {_time(message.since_ms, zone)} it needs you. Check at the gateway, then: campaigns resolve "
                f"{campaign_id} sent|resend|write-off --batch {batch_id} --why REASON"
            )
        case BatchState.REJECTED if not message.uuid:
            return f"once that is put right: campaigns retry {campaign_id} --batch {batch_id} --why REASON"
        case _:
            return None


def _waits_for(trace: PersonHistory, message: SentMessage) -> str | None:
    """What a message that has not gone out waits for, beside its turn."""
    if trace.state == PAUSED:
        return f"the campaign is paused: campaigns resume {trace.campaign_id}"
    if trace.state == DRAFT:
        return f"the campaign is a draft: campaigns approve {trace.campaign_id}"
    if 0 < trace.canary_batches <= number_of(message.batch_id):
        return f"it waits for the results of the canary: campaigns status {trace.campaign_id}"
    return f"it goes out from {trace.window}" if trace.window else None


def _reply(reply: Reply, zone: tzinfo) -> str:
    at = f" {_time(reply.received_ms, zone)}" if reply.received_ms else ""
    return f"answered{at}: {reply.message}"


def _time(unix_ms: int, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(unix_ms / 1000, tz=zone):%Y-%m-%d %H:%M:%S}"
