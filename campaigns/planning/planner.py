"""Planning: recipients normalised, checked, taken out or packed, as one stream. Pure.

Rows are worked on a thousand at a time, because a function call per row would cost more than the work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import orjson

from campaigns.errors import JobError
from campaigns.jobs.values import BulkJob, Job, QuickJob, job_document
from campaigns.planning.batching import (
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
from campaigns.planning.deduplication import Sorter
from campaigns.planning.filling import Filler, Samples, form_of
from campaigns.planning.zoning import Zoning
from campaigns.recipients import RecipientFile, RowForm, lost_digits, mobile_phones, row_problem, rows_are_usual
from campaigns.recipients.exclusions import Excluded
from campaigns.text.wellformed import TextRule, text_problem
from campaigns.times.gateway_times import to_schedule_time

__all__ = ["Exclusion", "PlannedBatch", "PlannedMailing", "Planner", "listed_content", "phones_of", "texts_of"]

_CHUNK = 1000
_ANY_TEXT = TextRule(1_000_000, literal=True)
_NO_PROBLEMS: Final[Mapping[int, str]] = {}


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Recipients who are not messaged, each as (place in the job, phone as handed in), and why where `reason` does not
    say all."""

    reason: str  # 'invalid', 'duplicate' or 'opted_out'
    rows: list[tuple[str, ...]] = field(repr=False)

    def excluded(self) -> Iterator[Excluded]:
        """The same, one by one."""
        return (Excluded(self.reason, *row) for row in self.rows)


Step = PlannedBatch | Exclusion
_Place = Callable[[int], str]
#: What shares a request: part of the canary or not, a time (unix ms), how many texts a phone has had before, a zone.
_Lane = tuple[bool, int | None, int, str]


class Planner:
    """Turns a job into batches. Iterate `steps()` once; `digest` and `counts` are complete after that.

    Every recipient handed in ends in exactly one batch or in exactly one Exclusion.
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
        samples: Samples | None = None,
        zoning: Zoning | None = None,
    ) -> None:
        self.counts = {"total": 0, "invalid": 0, "duplicate": 0, "opted_out": 0}
        self._job = job
        self._most = recipients_per_request
        self._region = region
        self._timezone = timezone
        self._opted_out = opted_out
        self._text_rule = text_rule
        self._errors_cap = errors_cap
        self._samples = samples
        self.zoning = zoning or Zoning(None, 0)
        self._canary_left = job.canary.recipients if job.canary else 0
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
        self._errors |= {name: [problem] for name, problem in self.zoning.problems(paced=job.spacing_ms is not None)}
        if self._errors:
            if self._further_errors:
                self._errors["_schema"] = [f"and {self._further_errors} more rows with mistakes"]
            raise JobError(self._errors)

    def _bulk(self, job: BulkJob) -> Iterator[Step]:
        # Lane 0 takes everybody's first message; a phone's further texts within one mailing go out in
        # other requests, each in the lane of its number. Times never share a request: a batch is followed as a
        # whole, so a later mailing would be given up before it begins.
        lanes: dict[_Lane, Packer] = {}
        for index, mailing in enumerate(job.mailings):
            schedule_time = to_schedule_time(mailing.schedule_ms, self._timezone) if mailing.schedule_ms else None
            form = form_of(mailing)
            sorter = Sorter(form.personal)
            filler = Filler(mailing, self._text_rule) if form.templated else None
            sent = filler.sent if filler else mailing
            place = _places(mailing.delivery_list, f"messages[{index}].delivery_list")
            for start, handed_in in self._chunks(mailing.delivery_list):
                sound = self._sound(place, start, handed_in, form)
                rows, unfilled = filler.filled(handed_in) if filler and sound is not None else (handed_in, {})
                phones, taken = self._sorted_out(place, start, rows, sound, sorter, unfilled)
                yield from taken
                if self._samples is not None and form.personal:
                    self._sample(self._samples, place, start, rows, phones)
                for lane, kept in sorter.by_lane(rows, phones).items():
                    for canary, zone, part in self._parts(kept):
                        if not canary:
                            yield from _canary_ended(lanes)
                        key = (canary, mailing.schedule_ms, lane, zone)
                        packer = lanes.setdefault(key, Packer(self._most, zone, canary=canary))
                        yield from packer.add(index, sent, schedule_time, part)
            if filler and not self._errors and (problem := filler.problem()) is not None:
                self._errors[f"messages[{index}].content.text"] = [problem]
        for packer in lanes.values():
            yield from packer.remainder()

    def _quick(self, job: QuickJob) -> Iterator[Step]:
        sorter = Sorter(personal=False)
        place = _places(job.delivery_list, "delivery_list")
        for start, rows in self._chunks(job.delivery_list):
            sound = self._sound(place, start, rows, RowForm())
            phones, taken = self._sorted_out(place, start, rows, sound, sorter)
            yield from taken
            for canary, zone, part in self._parts([phone for phone in phones if phone is not None]):
                for phone in cast(Sequence[str], part):
                    yield quick_batch(job.fields, phone, zone, canary=canary)

    def _parts(self, rows: Sequence[Row]) -> Iterator[tuple[bool, str, Sequence[Row]]]:
        """Rows by what must not share a request: whether they are of the canary, which is first, and their zone."""
        number = min(self._canary_left, len(rows))
        self._canary_left -= number
        for canary, some in ((True, rows[:number]), (False, rows[number:])):
            if some:
                yield from ((canary, zone, part) for zone, part in self.zoning.parts(some))

    def _chunks(self, rows: Iterable[Any]) -> Iterator[tuple[int, list[Any]]]:
        self._digest.update(b"\x00mailing")
        iterator, start = iter(rows), 0
        while chunk := list(islice(iterator, _CHUNK)):
            self._digest.update(_packed(chunk))
            self.counts["total"] += len(chunk)
            yield start, chunk
            start += len(chunk)

    def _sound(self, place: _Place, start: int, rows: list[Any], form: RowForm) -> list[str | None] | None:
        """The rows' phones, normalised; None for what is no mobile number. None at all if a row breaks a rule."""
        if not form.has_texts and set(map(type, rows)) == {str}:
            if rows_are_usual(rows):
                return cast(list[str | None], rows)
            if text_problem("\n".join(rows)) is None:
                return mobile_phones(rows, self._region)
        broken = False
        for number, row in enumerate(rows, start):
            problem = row_problem(row, form, text_rule=self._text_rule)
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
        sorter: Sorter,
        unfilled: Mapping[int, str] = _NO_PROBLEMS,
    ) -> tuple[list[str | None], list[Exclusion]]:
        """The phones that stay, None in the place of those who do not, and who was excluded why. `unfilled`: why a row
        has no text, by its number."""
        if sound is None:
            return [None] * len(rows), []
        phones = list(sound)
        for i in unfilled:
            phones[i] = None
        invalid = [] if None not in phones else [i for i, phone in enumerate(phones) if phone is None]
        out: dict[str, list[int]] = {"invalid": invalid}
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
                whys = unfilled if reason == "invalid" else _NO_PROBLEMS
                taken.append(Exclusion(reason, [_listed(place(start + i), rows[i], whys.get(i)) for i in numbers]))
        return phones, taken

    @staticmethod
    def _sample(samples: Samples, place: _Place, start: int, rows: list[Any], phones: list[str | None]) -> None:
        for number, (row, phone) in enumerate(zip(rows, phones, strict=True), start):
            if phone is not None:
                samples.note(place, number, phone, row)


def _canary_ended(lanes: dict[_Lane, Packer]) -> Iterator[Step]:
    """What is left of the canary, before anything else goes out."""
    for key in [key for key in lanes if key[0]]:
        yield from lanes.pop(key).remainder()


def _places(rows: Iterable[Any], name: str) -> _Place:
    """How the place of a row is called: by the line of its file, or by its number in the job."""
    return rows.place if isinstance(rows, RecipientFile) else lambda number: f"{name}[{number}]"


def _listed(place: str, row: Any, why: str | None) -> tuple[str, ...]:
    """An excluded row: its place, its phone, and why if there is more to say."""
    raw = str(row.get("phone", "") if isinstance(row, dict) else row)[:100]
    why = lost_digits(raw) or why
    phone = raw.encode("utf-8", "replace").decode()
    return (place, phone) if why is None else (place, phone, why)


def _packed(rows: list[Any]) -> bytes:
    """Rows as JSON, also those with half an emoji or a huge number, which are refused later, with their place."""
    try:
        return orjson.dumps(rows, default=str)
    except TypeError:
        return json.dumps(rows, default=str).encode()
