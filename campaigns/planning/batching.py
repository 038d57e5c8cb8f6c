"""Batching: cuts recipients into as few paid requests as the gateway allows. Pure.

A request holds at most `Settings.recipients_per_request` recipients, and only such as agree in their `RequestGroup`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from campaigns.jobs.values import BUTTON, TEXT, Mailing
from campaigns.planning.mailing_names import sent_names

Row = str | dict[str, str]


@dataclass(frozen=True, slots=True)
class PlannedMailing:
    """One mailing of a request. `index` is its number in the job (from 0); mailings that a listing may not tell apart
    have the same `fingerprint`."""

    name: str
    index: int
    recipients: int
    starts_at_ms: int | None
    fingerprint: str
    message_type: str
    #: Its name in the request, if that differs from `name`.
    alias: str = ""


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """One paid request: its mailings, and its body, which lacks only the token and the callback's address."""

    recipients: int
    mailings: tuple[PlannedMailing, ...]
    body: bytes = field(repr=False)
    #: The zone of its window, see `zoning`. Empty if the campaign's recipients are not divided by zone.
    zone: str = ""
    #: Whether it is part of the canary.
    canary: bool = False


@dataclass(slots=True)
class _Part:
    """The recipients of one mailing that go into one request."""

    index: int
    mailing: Mailing
    schedule_time: str | None
    rows: list[Row] = field(default_factory=list)
    alias: str = ""

    def document(self) -> dict[str, Any]:
        """An element of sendBulkViber's `messages`."""
        document: dict[str, Any] = {
            "alphaname_id": self.mailing.alphaname_id,
            "name": self.alias or self.mailing.name,
            "message_type": self.mailing.message_type,
        }
        if self.schedule_time is not None:
            document["schedule_time"] = self.schedule_time
        return {**document, "content": self.mailing.content, "delivery_list": self.rows}

    def planned(self, document: Mapping[str, Any]) -> PlannedMailing:
        return PlannedMailing(
            name=self.mailing.name,
            index=self.index,
            recipients=len(self.rows),
            starts_at_ms=self.mailing.schedule_ms,
            fingerprint=fingerprint(_listed_mailing(document), _phones(self.rows)),
            message_type=self.mailing.message_type,
            alias=self.alias,
        )


class RequestGroup(NamedTuple):
    """What all recipients of one request have in common. Those that differ in any of it go into different requests."""

    #: Whether they are part of the canary, which is sent and judged before the others.
    canary: bool
    #: Their mailing's time (unix ms). A batch is polled as a whole, so polling could end before a later mailing begins.
    schedule_ms: int | None
    #: Messages of the same mailing that go to the same phone before this one: each of them goes into another request.
    earlier: int
    #: The zone of their window, see `zoning`.
    zone: str


class Batching:
    """Cuts the recipients of a job into requests of at most `most` recipients of one or more mailings."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: dict[RequestGroup, _Packer] = {}

    def add(
        self, group: RequestGroup, index: int, mailing: Mailing, schedule_time: str | None, rows: Sequence[Row]
    ) -> Iterator[PlannedBatch]:
        """Add rows of a mailing; yields each request that becomes full. The canary ends with the first other row."""
        if not group.canary:
            for key in [key for key in self._open if key.canary]:
                yield from self._open.pop(key).remainder()
        packer = self._open.setdefault(group, _Packer(self._most, group))
        yield from packer.add(index, mailing, schedule_time, rows)

    def remainder(self) -> Iterator[PlannedBatch]:
        """The last request of each group, if it has any rows."""
        for packer in self._open.values():
            yield from packer.remainder()


class _Packer:
    """Cuts the rows of one group."""

    def __init__(self, most: int, group: RequestGroup) -> None:
        self._most = most
        self._group = group
        self._parts: list[_Part] = []
        self._size = 0

    def add(
        self, index: int, mailing: Mailing, schedule_time: str | None, rows: Sequence[Row]
    ) -> Iterator[PlannedBatch]:
        """Add rows of a mailing; yields each request that becomes full."""
        start = 0
        while start < len(rows):
            if not self._parts or self._parts[-1].index != index:
                self._parts.append(_Part(index, mailing, schedule_time))
            portion = rows[start : start + self._most - self._size]
            self._parts[-1].rows.extend(portion)
            start += len(portion)
            self._size += len(portion)
            if self._size >= self._most:
                yield self._full()

    def remainder(self) -> Iterator[PlannedBatch]:
        """The last request, if it has any rows."""
        if self._parts:
            yield self._full()

    def _full(self) -> PlannedBatch:
        parts, self._parts, self._size = self._parts, [], 0
        for part, sent in zip(parts, sent_names([part.mailing.name for part in parts]), strict=True):
            part.alias = sent if sent != part.mailing.name else ""
        documents = [part.document() for part in parts]
        return PlannedBatch(
            recipients=sum(len(part.rows) for part in parts),
            mailings=tuple(p.planned(d) for p, d in zip(parts, documents, strict=True)),
            body=orjson.dumps(documents),
            zone=self._group.zone,
            canary=self._group.canary,
        )


def quick_batch(fields: Mapping[str, str], phone: str, zone: str = "", *, canary: bool = False) -> PlannedBatch:
    """The batch of one message, for sendQuickViberMessage."""
    document = {**fields, "phone": phone}
    mailing = PlannedMailing(
        name="",
        index=0,
        recipients=1,
        starts_at_ms=None,
        fingerprint=fingerprint(_listed_form(document), [phone]),
        message_type="bulk",
    )
    return PlannedBatch(1, (mailing,), orjson.dumps(document), zone, canary)


def list_batch(fields: Mapping[str, str], schedule_ms: int | None) -> PlannedBatch:
    """The batch of one list mailing, for sendViberMessageList; the gateway reports its number of recipients later."""
    body = orjson.dumps(dict(fields))
    mailing = PlannedMailing(
        name=fields.get("name", ""),
        index=0,
        recipients=0,
        starts_at_ms=schedule_ms,
        fingerprint=fingerprint(_listed_form(fields), [fields["list_id"]]),
        message_type="bulk",
    )
    return PlannedBatch(0, (mailing,), body)


def phones_of(kind: str, body: bytes) -> list[list[str]]:
    """The phones of each mailing of a stored body; none for a list mailing, whose phones only the gateway knows."""
    document = orjson.loads(body)
    if kind == "bulk":
        return [_phones(mailing["delivery_list"]) for mailing in document]
    return [[document["phone"]]] if kind == "quick" else [[]]


@dataclass(frozen=True, slots=True)
class Reduced:
    """A stored body without some phones.

    `mailings`: former number of a mailing → recipients left, fingerprint. `removed`: the phone of each removed message.
    """

    body: bytes = field(repr=False)
    mailings: dict[int, tuple[int, str]]
    removed: list[str] = field(repr=False)


def without(kind: str, body: bytes, phones: Set[str], *, keep_empty: bool = False) -> Reduced:
    """Remove `phones` from a stored body of a bulk or quick batch; see `without_messages`."""
    gone = [
        (mailing, row)
        for mailing, own in enumerate(phones_of(kind, body))
        for row, phone in enumerate(own)
        if phone in phones
    ]
    return without_messages(kind, body, frozenset(gone), keep_empty=keep_empty)


def without_messages(kind: str, body: bytes, gone: Set[tuple[int, int]], *, keep_empty: bool = False) -> Reduced:
    """Remove messages, each given by the numbers of its mailing and its row, from a body of a bulk or quick batch.

    A mailing that loses all its recipients is removed too, unless `keep_empty`, which keeps the numbers of mailings.
    The body of a quick message that is removed is empty.
    """
    document = orjson.loads(body)
    if kind == "quick":
        phone = document["phone"]
        left = {} if gone else {0: (1, fingerprint(_listed_form(document), [phone]))}
        return Reduced(b"" if gone else body, left, [phone] if gone else [])
    mailings: dict[int, tuple[int, str]] = {}
    kept, removed = [], []
    for number, mailing in enumerate(document):
        rows = mailing["delivery_list"]
        removed += [phone for row, phone in enumerate(_phones(rows)) if (number, row) in gone]
        rest = [own for row, own in enumerate(rows) if (number, row) not in gone]
        if rest or keep_empty:
            kept.append({**mailing, "delivery_list": rest})
            mailings[number] = (len(rest), fingerprint(_listed_mailing(mailing), _phones(rest)))
    return Reduced(orjson.dumps(kept), mailings, removed)


def listed_content(kind: str, body: bytes) -> list[dict[str, str]]:
    """Each mailing of a stored body as getViberMessages would list it: the fields that can be compared."""
    document = orjson.loads(body)
    return [_listed_mailing(m) for m in document] if kind == "bulk" else [_listed_form(document)]


def texts_of(kind: str, body: bytes) -> list[list[str]]:
    """The recipients' own texts in each mailing of a stored body; empty for a mailing with one text for all."""
    document = orjson.loads(body)
    if kind != "bulk":
        return [[]]
    personal = [mailing["message_type"] == "personal" for mailing in document]
    return [
        [row["text"] for row in mailing["delivery_list"]] if own else []
        for mailing, own in zip(document, personal, strict=True)
    ]


def fingerprint(listed: Mapping[str, str], phones: Sequence[str]) -> str:
    """A digest that is the same for two mailings that a listing may not tell apart. Texts do not count, because
    getViberMessages shows none for a personal mailing."""
    document = orjson.dumps([listed["type"], listed["button_caption"], sorted(phones)])
    return blake2b(document, digest_size=16).hexdigest()


def _listed_mailing(document: Mapping[str, Any]) -> dict[str, str]:
    content = document["content"]
    listed = {"type": content["type"].upper(), "button_caption": content.get("caption", "")}
    if document["message_type"] == "bulk":
        listed |= {"message": content.get("text", ""), "button_link": content.get("button_link", "")}
    return listed


def _listed_form(form: Mapping[str, str]) -> dict[str, str]:
    kind = form.get("type_message", TEXT)
    return {
        "type": kind,
        "message": form.get("message", ""),
        "button_caption": form.get("button", "") if kind == BUTTON else "",
        "button_link": form.get("button_link", "") if kind == BUTTON else "",
    }


def _phones(rows: Sequence[Row]) -> list[str]:
    if rows and isinstance(rows[0], str):
        return list(rows)  # type: ignore[arg-type]  # all rows of a mailing are of one form
    return [row["phone"] for row in rows if isinstance(row, dict)]
