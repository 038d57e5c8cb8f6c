"""Planning: recipients normalised, checked, taken out or packed, as one stream. Pure.

Rows are worked on a thousand at a time, because a function call per row would cost more than the work.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any, cast
from zoneinfo import ZoneInfo

import orjson
from pyroaring import BitMap, BitMap64

from campaigns.errors import JobError
from campaigns.jobs import BulkJob, Job, Mailing, QuickJob, job_document
from campaigns.packing import (
    Packer,
    PlannedBatch,
    PlannedMailing,
    Row,
    list_batch,
    listed_content,
    phones_of,
    quick_batch,
    texts_of,
)
from campaigns.recipients import RecipientFile, mobile_phones, row_problem, rows_are_usual
from campaigns.times import to_schedule_time
from campaigns.wellformed import TextRule, text_problem

__all__ = ["PlannedBatch", "PlannedMailing", "Planner", "TakenOut", "listed_content", "phones_of", "texts_of"]

_CHUNK = 1000
_ANY_TEXT = TextRule(1_000_000, literal=True)


@dataclass(frozen=True, slots=True)
class TakenOut:
    """Recipients who are not messaged, each as (place in the job, phone as handed in)."""

    reason: str  # 'invalid', 'duplicate' or 'opted_out'
    rows: list[tuple[str, str]] = field(repr=False)


Step = PlannedBatch | TakenOut
_Place = Callable[[int], str]


class Planner:
    """Turns a job into batches. Iterate `steps()` once; `digest` and `counts` are complete after that.

    Every recipient handed in ends in exactly one batch or in exactly one TakenOut.
    """

    def __init__(
        self,
        job: Job,
        *,
        recipients_per_request: int,
        region: str,
        timezone: ZoneInfo,
        opted_out: Callable[[list[str]], Sequence[bool]],
        text_rule: TextRule = _ANY_TEXT,
        errors_cap: int = 100,
    ) -> None:
        self.counts = {"total": 0, "invalid": 0, "duplicate": 0, "opted_out": 0}
        self._job = job
        self._most = recipients_per_request
        self._region = region
        self._timezone = timezone
        self._opted_out = opted_out
        self._text_rule = text_rule
        self._errors_cap = errors_cap
        self._errors: dict[Any, Any] = {}
        self._further_errors = 0
        document = orjson.dumps(job_document(job), option=orjson.OPT_SORT_KEYS)
        self._digest = blake2b(document, digest_size=16)

    @property
    def digest(self) -> str:
        """The same for the same job, also when its recipients come as a stream."""
        return self._digest.hexdigest()

    def steps(self) -> Iterator[Step]:
        """Batches, and who was taken out. Raises JobError at the end if rows of a lazy list break rules."""
        job = self._job
        if isinstance(job, BulkJob):
            yield from self._bulk(job)
        elif isinstance(job, QuickJob):
            yield from self._quick(job)
        else:
            yield list_batch(job.fields, job.schedule_ms)
        if self._errors:
            if self._further_errors:
                self._errors["_schema"] = [f"and {self._further_errors} more rows with mistakes"]
            raise JobError(self._errors)

    def _bulk(self, job: BulkJob) -> Iterator[Step]:
        # Lane 0 takes everybody's first message; a phone's further texts within one mailing go out in
        # other requests, each in the lane of its number. Times never share a request: a batch is followed as a
        # whole, so a later mailing would be given up before it begins.
        lanes: dict[tuple[int | None, int], Packer] = {}
        for index, mailing in enumerate(job.mailings):
            schedule_time = to_schedule_time(mailing.schedule_ms, self._timezone) if mailing.schedule_ms else None
            sorter = _Sorter(mailing.message_type == "personal")
            for start, rows in self._chunks(mailing.delivery_list):
                place = _places(mailing.delivery_list, f"messages[{index}].delivery_list")
                sound = self._sound(place, start, rows, mailing)
                phones, taken = self._sorted_out(place, start, rows, sound, sorter)
                yield from taken
                for lane, kept in sorter.by_lane(rows, phones).items():
                    packer = lanes.setdefault((mailing.schedule_ms, lane), Packer(self._most))
                    yield from packer.add(index, mailing, schedule_time, kept)
        for packer in lanes.values():
            yield from packer.rest()

    def _quick(self, job: QuickJob) -> Iterator[Step]:
        sorter = _Sorter(personal=False)
        place = _places(job.delivery_list, "delivery_list")
        for start, rows in self._chunks(job.delivery_list):
            sound = self._sound(place, start, rows, None)
            phones, taken = self._sorted_out(place, start, rows, sound, sorter)
            yield from taken
            for phone in phones:
                if phone is not None:
                    yield quick_batch(job.fields, phone)

    def _chunks(self, rows: Iterable[Any]) -> Iterator[tuple[int, list[Any]]]:
        self._digest.update(b"\x00mailing")
        iterator, start = iter(rows), 0
        while chunk := list(islice(iterator, _CHUNK)):
            self._digest.update(_packed(chunk))
            self.counts["total"] += len(chunk)
            yield start, chunk
            start += len(chunk)

    def _sound(self, place: _Place, start: int, rows: list[Any], mailing: Mailing | None) -> list[str | None] | None:
        """The rows' phones, normalised; None for what is no mobile number. None at all if a row breaks a rule."""
        personal = mailing is not None and mailing.message_type == "personal"
        linked = mailing is not None and mailing.content.get("type") == "button"
        if not personal and set(map(type, rows)) == {str}:
            if rows_are_usual(rows):
                return cast(list[str | None], rows)
            if text_problem("\n".join(rows)) is None:
                return mobile_phones(rows, self._region)
        broken = False
        for number, row in enumerate(rows, start):
            problem = row_problem(row, personal=personal, linked=linked, text_rule=self._text_rule)
            if problem is not None:
                broken = True
                self._note_error(place(number), problem)
        if broken:
            return None
        return mobile_phones([row["phone"] if isinstance(row, dict) else row for row in rows], self._region)

    def _note_error(self, place: str, problem: Any) -> None:
        if len(self._errors) >= self._errors_cap:
            self._further_errors += 1
            return
        self._errors[place] = [problem] if isinstance(problem, str) else problem

    def _sorted_out(
        self,
        place: _Place,
        start: int,
        rows: list[Any],
        sound: list[str | None] | None,
        sorter: _Sorter,
    ) -> tuple[list[str | None], list[TakenOut]]:
        """The phones that stay, None in the place of those who do not, and who was taken out why."""
        if sound is None:
            return [None] * len(rows), []
        invalid = [] if None not in sound else [i for i, phone in enumerate(sound) if phone is None]
        out: dict[str, list[int]] = {"invalid": invalid}
        phones = list(sound)
        out["duplicate"] = sorter.duplicates(rows, phones)
        for i in out["duplicate"]:
            phones[i] = None
        asked = phones if None not in phones else [phone for phone in phones if phone is not None]
        if any(verdicts := self._opted_out(cast(list[str], asked))):
            kept = [i for i, phone in enumerate(phones) if phone is not None]
            out["opted_out"] = [i for i, is_out in zip(kept, verdicts, strict=True) if is_out]
            for i in out["opted_out"]:
                phones[i] = None
        taken = []
        for reason, numbers in out.items():
            if numbers:
                self.counts[reason] += len(numbers)
                listed = [(place(start + i), _raw_phone(rows[i])) for i in numbers]
                taken.append(TakenOut(reason, listed))
        return phones, taken


class _Sorter:
    """Finds repetitions within one mailing."""

    def __init__(self, personal: bool) -> None:
        self._personal = personal
        # Compressed bitmaps: phones lie close together, so one costs two bytes, and sixty-seven in a set.
        self._phones = BitMap64()
        # Three times 32 bits tell messages apart, at five bytes each; a set of digests would take over a hundred.
        self._messages = (BitMap(), BitMap(), BitMap())
        self._sent = BitMap64()
        #: How many further messages a phone has been given, for the few that have any.
        self._further: dict[int, int] = {}

    def duplicates(self, rows: list[Any], phones: list[str | None]) -> list[int]:
        """Which rows repeat an earlier one: the same phone and, in a personal mailing, the same message."""
        if self._personal:
            return self._repeated_messages(rows, phones)
        numbers = list(map(int, filter(None, phones)))
        fresh = BitMap64(numbers)
        if len(fresh) == len(numbers) and not fresh & self._phones:
            self._phones |= fresh
            return []
        repeated = []
        for i, phone in enumerate(phones):
            if phone is not None:
                number = int(phone)
                if number in self._phones:
                    repeated.append(i)
                self._phones.add(number)
        return repeated

    def _repeated_messages(self, rows: list[Any], phones: list[str | None]) -> list[int]:
        repeated = []
        for i, phone in enumerate(phones):
            if phone is not None:
                message = orjson.dumps([phone, rows[i]["text"], rows[i].get("button_link")])
                parts = struct.unpack("3I", blake2b(message, digest_size=12).digest())
                known = [part in bitmap for part, bitmap in zip(parts, self._messages, strict=True)]
                if int(phone) in self._phones and all(known):
                    repeated.append(i)
                for part, bitmap in zip(parts, self._messages, strict=True):
                    bitmap.add(part)
                self._phones.add(int(phone))
        return repeated

    def by_lane(self, rows: list[Any], phones: list[str | None]) -> dict[int, list[Row]]:
        """The rows to send, by how many other messages their phone has before them in this mailing."""
        if not self._personal:
            return {0: list(filter(None, phones))}
        lanes: dict[int, list[Row]] = {}
        for row, phone in zip(rows, phones, strict=True):
            if phone is not None:
                number = int(phone)
                lane = self._further.get(number, 0)
                if lane or number in self._sent:
                    lane = self._further[number] = lane + 1
                self._sent.add(number)
                lanes.setdefault(lane, []).append({**row, "phone": phone})
        return lanes


def _places(rows: Iterable[Any], name: str) -> _Place:
    """How the place of a row is called: by the line of its file, or by its number in the job."""
    return rows.place if isinstance(rows, RecipientFile) else lambda number: f"{name}[{number}]"


def _raw_phone(row: Any) -> str:
    phone = row.get("phone", "") if isinstance(row, dict) else row
    return str(phone)[:100].encode("utf-8", "replace").decode()


def _packed(rows: list[Any]) -> bytes:
    """Rows as JSON, also those with half an emoji or a huge number, which are refused later, with their place."""
    try:
        return orjson.dumps(rows, default=str)
    except TypeError:
        return json.dumps(rows, default=str).encode()
