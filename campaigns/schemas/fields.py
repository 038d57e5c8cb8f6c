"""Fields that the schemas of jobs are made of."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from campaigns.jobs import ImageFile
from campaigns.recipients import RecipientFile, row_problem
from campaigns.schemas.row_forms import asked_columns, row_form
from campaigns.settings import Settings
from campaigns.times import parse_when
from campaigns.wellformed import TextRule, link_problem, text_problem, visible

#: So many places are named; a list with a million mistakes is told how many more there are.
ERRORS_CAP = 100
_URL_LENGTH = 2000
_NAME_SHOWN = 60
_FILE_NAME_LENGTH = 200
#: Each mailing is a request's part of its own; what has more than this was not written by hand.
MAILINGS_MOST = 10_000
_IMAGE_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


@dataclass(frozen=True, slots=True)
class Checking:
    """What the fields need to know of their surroundings."""

    settings: Settings
    now: datetime
    #: The job says that its texts mean braces as they stand.
    literal: bool = False
    #: A quick message that is forwarded as SMS.
    forwarded: bool = False

    @property
    def text_rule(self) -> TextRule:
        """What the texts of this job must keep to: those of the narrowest channel that they go by."""
        most = self.settings.text_length
        return TextRule(min(most, self.settings.sms_text_length) if self.forwarded else most, self.literal)


CHECKING: ContextVar[Checking] = ContextVar("CHECKING")


class StrictSchema(Schema):
    """Refuses fields that it does not know, with a hint at the one that was probably meant."""

    REFUSED: ClassVar[Mapping[str, str]] = {}
    #: Of a mailing that is none, say; marshmallow ignores what the nested field says of that.
    error_messages = {"type": "must be an object"}  # noqa: RUF012 (so marshmallow declares it)

    class Meta:
        unknown = EXCLUDE

    @classmethod
    @cache
    def shared(cls) -> Self:
        """One instance for all jobs: marshmallow copies every field for each, which takes as long as checking a job."""
        return cls()

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _known_only(self, _data: Any, original: Any, **_: Any) -> None:
        if not isinstance(original, Mapping):
            return
        errors: dict[str, list[str]] = {}
        for name in [name for name in original if name not in self.fields][:ERRORS_CAP]:
            near = get_close_matches(str(name)[:_NAME_SHOWN], self.fields, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            errors[str(name)] = [self.REFUSED.get(str(name), f"is not a field{hint}")]
        if errors:
            raise ValidationError(cast(Any, errors))


def messages(what: str) -> dict[str, Any]:
    """The words for what can be wrong with any field."""
    return {"required": "is missing", "null": "is missing", "invalid": what, "type": what}


class Line(fields.String):
    """Text that is not empty."""

    def __init__(self, *, most: int | None = None, **options: Any) -> None:
        super().__init__(error_messages=messages("must be text"), **options)
        self.most = most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **more)
        if self.most is not None and len(text) > self.most:
            raise ValidationError(f"longer than {self.most} characters")
        if not visible(text):
            raise ValidationError("must not be empty")
        if (problem := text_problem(text)) is not None:
            raise ValidationError(problem)
        return text


class Text(Line):
    """Text that people read on their phones."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        if isinstance(value, str) and (problem := CHECKING.get().text_rule.problem(value)) is not None:
            raise ValidationError(problem)
        return super()._deserialize(value, attr, data, **more)


class Word(fields.Field[str]):
    """One of a few words, in any case; the value is as listed."""

    def __init__(self, *words: str, **options: Any) -> None:
        super().__init__(error_messages=messages(""), **options)
        self.words = {word.casefold(): word for word in words}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        word = self.words.get(value.casefold()) if isinstance(value, str) else None
        if word is None:
            raise ValidationError(f"must be one of {', '.join(self.words.values())}")
        return word


class Whole(fields.Field[int]):
    """A whole number; digits as text are understood, since the gateway's ids come both ways."""

    def __init__(self, least: int = 1, most: int = 2**63 - 1, **options: Any) -> None:
        super().__init__(error_messages=messages(""), **options)
        self.least, self.most = least, most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError("must be a whole number")
        if not self.least <= value <= self.most:
            top = f" and {self.most}" if self.most < 2**63 - 1 else ""
            raise ValidationError(f"must lie between {self.least}{top}" if top else f"must be at least {self.least}")
        return value


class Flag(fields.Field[bool]):
    """true, false, 1 or 0."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value in (True, "1"):
            return True
        if value in (False, "0"):
            return False
        raise ValidationError("must be 1 or 0")


class Link(fields.Field[str]):
    """An address on the web, without credentials."""

    def __init__(self, most: int = _URL_LENGTH, **options: Any) -> None:
        super().__init__(error_messages=messages(""), **options)
        self.most = most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if (problem := link_problem(value, self.most)) is not None:
            raise ValidationError(problem)
        return str(value)


class When(fields.Field[int]):
    """A point in time to come, as unix milliseconds."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        checking = CHECKING.get()
        if not isinstance(value, (str, datetime)):
            raise ValidationError("must be a datetime or text such as 2030-05-01T10:00:00")
        try:
            ms = parse_when(value, checking.settings.gateway_timezone)
        except (ValueError, OverflowError) as error:
            raise ValidationError(str(error) if isinstance(error, ValueError) else "is no point in time") from None
        if ms < checking.now.timestamp() * 1000:
            raise ValidationError("is in the past")
        return ms


class Image(fields.Field[ImageFile]):
    """An image file: a path, bytes or a binary file; in JSON `{"filename", "base64"}`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> ImageFile:
        filename, content = _content_of(value)
        most = CHECKING.get().settings.image_bytes
        if len(content) > most:
            raise ValidationError(f"is larger than {most} bytes")
        for magic, content_type in _IMAGE_TYPES.items():
            if content.startswith(magic):
                return ImageFile(filename, content_type, content)
        raise ValidationError("must be a JPEG, PNG or GIF image")


def _content_of(value: Any) -> tuple[str, bytes]:
    if isinstance(value, Path):
        try:
            return value.name, value.read_bytes()
        except OSError as error:
            raise ValidationError(f"cannot be read: {error.strerror}") from None
        except ValueError:  # a NUL, or half a character
            raise ValidationError("cannot be read: no file can have this name") from None
    if isinstance(value, (bytes, bytearray)):
        return "image", bytes(value)
    if isinstance(value, Mapping):
        try:
            return _file_name(value.get("filename")), base64.b64decode(value["base64"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise ValidationError("must hold the image as base64") from None
    if hasattr(value, "read"):
        content = cast(BinaryIO, value).read()
        if isinstance(content, bytes):
            return Path(str(getattr(value, "name", "image"))).name, content
    if isinstance(value, str):
        raise ValidationError("text is no path: give pathlib.Path(...), bytes, a binary file, or {filename, base64}")
    raise ValidationError("must be a path, bytes, a binary file, or {filename, base64}")


def _file_name(value: object) -> str:
    name = Path(value).name if isinstance(value, str) and text_problem(value) is None else ""
    return name[:_FILE_NAME_LENGTH] if name.isprintable() and name else "image"


class DeliveryList(fields.Field[Iterable[Any]]):
    """The recipients of a mailing. A list is checked here, whole and in one loop; anything lazier as it is planned.

    One schema per row costs about ten times as much.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages=messages("must be a list of recipients"), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Iterable[Any]:  # noqa: ARG002
        if isinstance(value, (Path, RecipientFile)):
            file = RecipientFile(value) if isinstance(value, Path) else value
            return file.asking(asked_columns(data), CHECKING.get().settings.phone_region)
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise ValidationError("must be a list of recipients")
        if not isinstance(value, (list, tuple)):
            return value
        if not value:
            raise ValidationError("must not be empty")
        form = row_form(data)
        if form is None:
            return value
        personal, linked = form
        if not personal and set(map(type, value)) == {str} and text_problem("".join(value)) is None:
            return value
        self._check(value, personal=personal, linked=linked)
        return value

    def _check(self, rows: Iterable[Any], *, personal: bool, linked: bool) -> None:
        errors: dict[Any, Any] = {}
        further, text_rule = 0, CHECKING.get().text_rule
        for number, row in enumerate(rows):
            problem = row_problem(row, personal=personal, linked=linked, text_rule=text_rule)
            if problem is None:
                continue
            if len(errors) < ERRORS_CAP:
                errors[number] = [problem] if isinstance(problem, str) else problem
            else:
                further += 1
        if further:
            errors["_schema"] = [f"and {further} more rows with mistakes"]
        if errors:
            raise ValidationError(cast(Any, errors))


class Mailings(fields.List[Any]):
    """A list of mailings, of a number that can be checked while somebody waits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> list[Any]:
        if isinstance(value, (list, tuple)):
            if len(value) > MAILINGS_MOST:
                raise ValidationError(f"has {len(value):,} mailings, more than {MAILINGS_MOST:,}")
            wrong = [n for n, one in enumerate(value) if not isinstance(one, Mapping)]
            if len(wrong) > ERRORS_CAP:
                raise ValidationError(cast(Any, {n: ["must be an object"] for n in wrong[:ERRORS_CAP]}))
        return super()._deserialize(value, attr, data, **more)
