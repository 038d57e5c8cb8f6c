"""Personal texts: puts each recipient's values into the texts of a mailing, and keeps samples of the result. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from campaigns.jobs.templates import Template, UnfilledError
from campaigns.jobs.values import PERSONAL, Mailing
from campaigns.recipients import RowForm, link_problem
from campaigns.text.wellformed import TextRule, placeholder_in

_FILLED: Final = ("text", "button_link")
_NAMED_MOST: Final = 20


def form_of(mailing: Mailing) -> RowForm:
    """The fields that the rows of a checked mailing have."""
    personal = mailing.message_type == PERSONAL
    return RowForm(personal, mailing.content.get("type") == "button", personal and "text" in mailing.content)


class Filler:
    """Turns rows with values into rows with a text and, if the content has one, a link."""

    def __init__(self, mailing: Mailing, text_rule: TextRule) -> None:
        content, literal = mailing.content, text_rule.literal
        #: The mailing as the gateway takes it, where each recipient has a text of their own.
        self.sent = replace(mailing, content={name: v for name, v in content.items() if name not in _FILLED})
        self._text = Template.of_text(content["text"], literal=literal)
        link = content.get("button_link")
        self._link = Template.of_link(link, literal=literal) if link is not None else None
        self._rule = TextRule(text_rule.most, literal=True)
        self._literal = literal
        self._missing = {p.name for t in (self._text, self._link) if t for p in t.places if p.default is None}
        self._names_given: dict[str, None] = {}

    def filled(self, rows: Sequence[Any]) -> tuple[list[Any], dict[int, str]]:
        """The rows with their texts, and by row number why a row could not be filled; such a row is left unchanged."""
        self._note_names(rows)
        found, problems = [], dict[int, str]()
        for number, row in enumerate(rows):
            try:
                found.append(self._row(row))
            except UnfilledError as error:
                found.append(row)
                problems[number] = str(error)
        return found, problems

    def problem(self) -> str | None:
        """The places for which no recipient had a value, once all rows are filled; None if there are none."""
        if not self._missing:
            return None
        names = ", ".join(f"{{{name}}}" for name in sorted(self._missing))
        given = ", ".join(list(self._names_given)[:_NAMED_MOST])
        return (
            f"no recipient has a value for {names}; recipients have values for: {given}"
            if given
            else (
                f"has the places {names}, but no recipient has values; if the braces are not places, set "
                "literal_text: true in the job"
            )
        )

    def _row(self, row: Any) -> dict[str, Any]:
        phone, values = (row["phone"], row.get("values")) if isinstance(row, dict) else (row, None)
        text = self._text.filled(values)
        if (problem := self._rule.problem(text)) is not None:
            raise UnfilledError(f"the text filled with its values is not allowed: {problem}")
        if not self._literal and "{" in text and (left := placeholder_in(text)) is not None:
            raise UnfilledError(f"the text filled with its values still has the place {left}")
        if self._link is None:
            return {"phone": phone, "text": text}
        link = self._link.filled(values)
        if (problem := link_problem(link)) is not None:
            raise UnfilledError(f"its filled button link is not allowed: {problem}")
        return {"phone": phone, "text": text, "button_link": link}

    def _note_names(self, rows: Sequence[Any]) -> None:
        for row in rows if self._missing else ():
            values = row.get("values") if isinstance(row, dict) else None
            if isinstance(values, Mapping):
                self._missing -= values.keys()
                self._names_given |= dict.fromkeys(str(name) for name in list(values)[:_NAMED_MOST])
            if not self._missing:
                return


@dataclass(frozen=True, slots=True)
class Sample:
    """A message as its recipient will read it. `place` is the line in the file or the place in the job; `length` is
    the text's, in code points."""

    place: str
    phone: str = field(repr=False)
    text: str = field(repr=False)
    button_link: str | None = field(repr=False)
    length: int


class Samples:
    """The first messages of a plan, at most `most`, and the longest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.first: list[Sample] = []
        self.longest: Sample | None = None

    def note(self, place: Callable[[int], str], number: int, phone: str, row: Mapping[str, Any]) -> None:
        """Keep the message of row `number` if it is one of the first or the longest. `place` gives the row's place."""
        length = len(row["text"])
        longer = self.longest is None or length > self.longest.length
        if len(self.first) < self._most or longer:
            sample = Sample(place(number), phone, row["text"], row.get("button_link"), length)
            self.first += [sample] if len(self.first) < self._most else []
            self.longest = sample if longer else self.longest
