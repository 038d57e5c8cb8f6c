"""Planning: normalises, checks and excludes recipients, and cuts the rest into batches, as one stream. Pure.

It handles a thousand rows at a time, because a function call per row would cost more than the work itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain, islice
from operator import length_hint
from sys import maxsize
from types import MappingProxyType
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

import orjson

from campaigns.errors import JobError
from campaigns.jobs.values import BulkJob, Job, Mailing, QuickJob, job_document
from campaigns.planning.batching import (
    Batching,
    PlannedBatch,
    PlannedMailing,
    RequestGroup,
    Row,
    list_batch,
    listed_content,
    phones_of,
    quick_batch,
    texts_of,
)
from campaigns.planning.courses import Course, DigestPart, SoundRows
from campaigns.planning.deduplication import Deduplicator
from campaigns.planning.exclusion_steps import Exclusion, OnList, Place, listed_row, places, still_shared, taken_out
from campaigns.planning.personal_texts import Filler, Samples, form_of
from campaigns.planning.zoning import Zoning
from campaigns.recipients import RecipientFile, RowForm, mobile_phones, row_problem, rows_are_usual
from campaigns.recipients.exclusions import Exclusion as Reason
from campaigns.recipients.returned import STILL_SHARED
from campaigns.text.wellformed import TextRule, text_problem
from campaigns.times.gateway_times import to_schedule_time

__all__ = ["Exclusion", "PlannedBatch", "PlannedMailing", "Planner", "listed_content", "phones_of", "texts_of"]

#: The rows that are planned at a time: the order of exclusions is that of the rows only from one chunk to the next.
CHUNK: Final = 1000
_ANY_TEXT = TextRule(1_000_000, literal=True)
_NO_PROBLEMS: Final[Mapping[int, str]] = {}


Step = PlannedBatch | Exclusion


class Planner:
    """Turns a job into batches. Iterate over `steps()` once; `digest`, `counts` and `repeated` are complete after that.

    Every recipient of the job ends up in exactly one batch or one Exclusion.
    """

    def __init__(
        self,
        job: Job,
        *,
        recipients_per_request: int,
        region: str,
        timezone: ZoneInfo,
        opted_out: OnList,
        lists: Mapping[Reason, OnList] = MappingProxyType({}),
        text_rule: TextRule = _ANY_TEXT,
        errors_cap: int = 100,
        samples: Samples | None = None,
        zoning: Zoning | None = None,
    ) -> None:
        #: Messages to a phone that has another message, with another text, in the same mailing.
        self.repeated = 0
        self.counts = {"total": 0, **{reason.value: 0 for reason in Reason}}
        self._job = job
        self._most = recipients_per_request
        self._region = region
        self._timezone = timezone
        self._lists: Mapping[Reason, OnList] = {Reason.OPTED_OUT: opted_out, **lists}
        self._text_rule = text_rule
        self._errors_cap = errors_cap
        self._samples = samples
        self.zoning = zoning or Zoning(None, 0)
        self._several = isinstance(job, BulkJob) and len(job.mailings) > 1
        self._canary_left = job.canary.recipients if job.canary else 0
        self._errors: dict[Any, Any] = {}
        self._further_errors = 0
        document = orjson.dumps(job_document(job), option=orjson.OPT_SORT_KEYS)
        self._digest = blake2b(document, digest_size=16)

    @property
    def digest(self) -> str:
        """A digest that equal jobs share, even if their recipients come as a stream."""
        return self._digest.hexdigest()

    def steps(self) -> Iterator[Step]:
        """Batches and exclusions. Raises JobError at the end if a lazy list is empty or rows of it break rules."""
        job = self._job
        if isinstance(job, BulkJob):
            yield from self._bulk(job)
        elif isinstance(job, QuickJob):
            yield from self._quick(job)
        else:
            yield list_batch(job.fields, job.schedule_ms)
        self._errors |= {name: [problem] for name, problem in self.zoning.problems()}
        if self._errors:
            if self._further_errors:
                self._errors["_schema"] = [f"and {self._further_errors} more rows with mistakes"]
            raise JobError(self._errors)

    def _bulk(self, job: BulkJob) -> Iterator[Step]:
        batching = Batching(self._most)
        courses = [self._course(index, mailing) for index, mailing in enumerate(job.mailings)]
        if self._canary_left and self._several:
            yield from self._canaries(batching, courses)
        for course in courses:
            course.digest.begin()
            for step in chain(course.put_off, course.steps):
                if isinstance(step, Exclusion):
                    yield step
                else:
                    yield from self._batched(batching, course, *step)
        yield from batching.remainder()

    def _canaries(self, batching: Batching, courses: Sequence[Course]) -> Iterator[Step]:
        """The canary of a job with several mailings: an equal part of each, and at least one recipient. What a small
        mailing lacks, the larger ones have more."""
        wanted = self._canary_left
        by_size = sorted(courses, key=lambda course: length_hint(course.mailing.delivery_list, maxsize))
        for number, course in enumerate(by_size):
            share = self._canary_left = max(1, -(-wanted // (len(courses) - number)))
            while self._canary_left and (step := next(course.steps, None)) is not None:
                if isinstance(step, Exclusion):
                    yield step
                    continue
                earlier, rows = step
                most = self._canary_left
                yield from self._batched(batching, course, earlier, rows[:most])
                if rows[most:]:
                    course.put_off.append((earlier, rows[most:]))
            wanted -= share - self._canary_left
        self._canary_left = 0

    def _batched(self, batching: Batching, course: Course, earlier: int, rows: Sequence[Row]) -> Iterator[PlannedBatch]:
        mailing = course.mailing
        for canary, zone, part in self._parts(rows):
            group = RequestGroup(canary, mailing.schedule_ms, earlier, zone)
            yield from batching.add(group, course.index, course.sent, course.schedule_time, part)

    def _course(self, index: int, mailing: Mailing) -> Course:
        schedule_time = to_schedule_time(mailing.schedule_ms, self._timezone) if mailing.schedule_ms else None
        filler = Filler(mailing, self._text_rule) if form_of(mailing).templated else None
        sent = filler.sent if filler else mailing
        digest = DigestPart(self._digest)
        steps = self._sound(index, mailing, filler, digest)
        return Course(index, mailing, sent, schedule_time, digest, steps)

    def _sound(
        self, index: int, mailing: Mailing, filler: Filler | None, digest: DigestPart
    ) -> Iterator[Exclusion | SoundRows]:
        """The exclusions of a mailing, and its other rows."""
        form = form_of(mailing)
        deduplicator = Deduplicator(form.personal)
        name = f"messages[{index}].delivery_list"
        place = places(mailing.delivery_list, name)
        unnamed = self._several and isinstance(mailing.delivery_list, RecipientFile)
        for start, handed_in, again in self._chunks(mailing.delivery_list, name, digest):
            mobile = self._mobile_phones(place, start, handed_in, form)
            rows, unfilled = filler.filled(handed_in) if filler and mobile is not None else (handed_in, {})
            phones, exclusions = self._exclude(place, start, rows, mobile, deduplicator, again, unfilled)
            yield from (one.of_mailing(index) for one in exclusions) if unnamed else exclusions
            if self._samples is not None and form.personal:
                self._sample(self._samples, place, start, rows, phones)
            for earlier, kept in deduplicator.by_earlier_messages(rows, phones).items():
                self.repeated += len(kept) if earlier else 0
                yield earlier, kept
        if filler and not self._errors and (problem := filler.problem()) is not None:
            self._errors[f"messages[{index}].content.text"] = [problem]

    def _quick(self, job: QuickJob) -> Iterator[Step]:
        deduplicator = Deduplicator(personal=False)
        place = places(job.delivery_list, "delivery_list")
        for start, rows, again in self._chunks(job.delivery_list, "delivery_list", self._digest):
            mobile = self._mobile_phones(place, start, rows, RowForm())
            phones, exclusions = self._exclude(place, start, rows, mobile, deduplicator, again)
            yield from exclusions
            for canary, zone, part in self._parts([phone for phone in phones if phone is not None]):
                for phone in cast(Sequence[str], part):
                    yield quick_batch(job.fields, phone, zone, canary=canary)

    def _parts(self, rows: Sequence[Row]) -> Iterator[tuple[bool, str, Sequence[Row]]]:
        """The rows divided into parts that must not share a request: by canary, which comes first, and by zone."""
        number = min(self._canary_left, len(rows))
        self._canary_left -= number
        for canary, some in ((True, rows[:number]), (False, rows[number:])):
            if some:
                yield from ((canary, zone, part) for zone, part in self.zoning.parts(some))

    def _chunks(
        self, rows: Iterable[Any], name: str, digest: DigestPart | blake2b
    ) -> Iterator[tuple[int, list[Any], Sequence[int]]]:
        """The number of the first row of each chunk, its rows, and which of them are to be left out once more. That
        there is no row is a mistake in the field `name`, which a stream shows only here."""
        digest.update(b"\x00mailing")
        iterator, start = iter(rows), 0
        while chunk := list(islice(iterator, CHUNK)):
            digest.update(_packed(chunk))
            self.counts["total"] += len(chunk)
            if again := still_shared(rows, start, len(chunk)):
                digest.update(b"\x00duplicates" + _packed(again))
            yield start, chunk, again
            start += len(chunk)
        if not start:
            self._note_error(name, "must not be empty")

    def _mobile_phones(self, place: Place, start: int, rows: list[Any], form: RowForm) -> list[str | None] | None:
        """The normalised phone of each row, or None if it is not a mobile number; just None if a row breaks a rule."""
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

    def _exclude(
        self,
        place: Place,
        start: int,
        rows: list[Any],
        mobile: list[str | None] | None,
        deduplicator: Deduplicator,
        again: Sequence[int],
        unfilled: Mapping[int, str] = _NO_PROBLEMS,
    ) -> tuple[list[str | None], list[Exclusion]]:
        """The phones to message, with None in place of excluded ones, and the exclusions. The rows `again` still have
        the phone of another row of the file from which a list was made. `unfilled` says why a row has no text."""
        if mobile is None:
            return [None] * len(rows), []
        phones = list(mobile)
        # A row without a text is among these too, so that the next list has its mark as well.
        still = {i: STILL_SHARED for i in again if mobile[i] is not None}
        for i in (*unfilled, *still):
            phones[i] = None
        lacking = [] if None not in phones else [i for i, phone in enumerate(phones) if phone is None]
        excluded: dict[str, list[int]] = {"invalid": [i for i in lacking if i not in still]}
        duplicates = deduplicator.duplicates(rows, phones)
        excluded["duplicate"] = sorted({*duplicates, *still}) if still else duplicates
        for i in excluded["duplicate"]:
            phones[i] = None
        for listed, on_list in self._lists.items():
            excluded[listed] = taken_out(phones, on_list)
        exclusions = []
        for reason, numbers in excluded.items():
            if numbers:
                self.counts[reason] += len(numbers)
                whys = {"invalid": unfilled, "duplicate": still}.get(reason, _NO_PROBLEMS)
                exclusions.append(
                    Exclusion(reason, [listed_row(place(start + i), rows[i], whys.get(i)) for i in numbers])
                )
        return phones, exclusions

    @staticmethod
    def _sample(samples: Samples, place: Place, start: int, rows: list[Any], phones: list[str | None]) -> None:
        for number, (row, phone) in enumerate(zip(rows, phones, strict=True), start):
            if phone is not None:
                samples.note(place, number, phone, row)


def _packed(rows: Sequence[Any]) -> bytes:
    """The rows as JSON. Half an emoji or a huge number must not fail here: such rows are refused later, by place."""
    try:
        return orjson.dumps(rows, default=str)
    except TypeError:
        return json.dumps(rows, default=str).encode()
