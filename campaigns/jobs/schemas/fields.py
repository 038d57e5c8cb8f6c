"""The kinds of fields that the schemas of jobs use."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from marshmallow import ValidationError, fields

from campaigns.jobs.schemas.json_parts import PHONE_SHAPE, WHEN_SHAPE, Shape, in_any_case, link_shape, text_shape
from campaigns.jobs.schemas.strict import CHECKING, messages
from campaigns.jobs.templates import PLACE_PATTERN, TEMPLATE_LENGTH
from campaigns.recipients import mobile_phone
from campaigns.settings import Settings
from campaigns.text.wellformed import (
    CORRELATION_LENGTH,
    KEY_LENGTH,
    TOPIC_PATTERN,
    correlation_problem,
    key_problem,
    link_problem,
    text_problem,
    topic_problem,
    visible,
)
from campaigns.times.gateway_times import parse_when

_URL_LENGTH = 2000
_AMOUNT: Final = r"[0-9]{1,12}(\.[0-9]{1,12})?"
_NO_AMOUNT: Final = "must be an amount such as 12.50"


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

    def shape(self, _settings: Settings) -> Shape:
        return text_shape(self.most)


class Text(Line):
    """Text that people read on their phones."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        if isinstance(value, str) and (problem := CHECKING.get().text_rule.problem(value)) is not None:
            raise ValidationError(problem)
        return super()._deserialize(value, attr, data, **more)

    def shape(self, settings: Settings) -> Shape:
        return text_shape(settings.text_length)


class TextTemplate(fields.String):
    """Text with places for values. The mailing's schema checks it, because the rules depend on the mailing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(error_messages=messages("must be text"), **options)

    def shape(self, _settings: Settings) -> Shape:
        return text_shape(TEMPLATE_LENGTH)


class LinkTemplate(fields.String):
    """A web address with places for values, of at most `most` characters when filled.

    The schema of its mailing checks the places and the length.
    """

    def __init__(self, most: int, **options: Any) -> None:
        super().__init__(error_messages=messages("must be text"), **options)
        self.most = most

    def shape(self, _settings: Settings) -> Shape:
        template = {
            "title": "address with a place such as {code}",
            "type": "string",
            "pattern": PLACE_PATTERN,
            "maxLength": TEMPLATE_LENGTH,
        }
        return {"anyOf": [link_shape(self.most), template]}


class Word(fields.Field[str]):
    """One of a few words, in any case. The value has the case of the listed word."""

    def __init__(self, *words: str, **options: Any) -> None:
        super().__init__(error_messages=messages(""), **options)
        self.words = {word.lower(): word for word in words}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        # ASCII only, because some letters of other alphabets become Latin ones in lower case.
        word = self.words.get(value.lower()) if isinstance(value, str) and value.isascii() else None
        if word is None:
            raise ValidationError(f"must be one of {', '.join(self.words.values())}")
        return word

    def shape(self, _settings: Settings) -> Shape:
        return {"anyOf": [{"enum": list(self.words.values())}, in_any_case(*self.words)]}


class Kind(fields.Field[str]):
    """The kind of a job, in exact case, because it selects the schema."""

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(**options)
        self.kind = kind

    def shape(self, _settings: Settings) -> Shape:
        return {"const": self.kind}


class Whole(fields.Field[int]):
    """A whole number, also as text of digits, because the gateway's ids come as numbers and as text."""

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

    def shape(self, _settings: Settings) -> Shape:
        number = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"anyOf": [number, {"type": "string", "pattern": "^[0-9]{1,19}$"}]}


class Amount(fields.Field[Decimal]):
    """An amount of money above 0."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
            raise ValidationError(_NO_AMOUNT)
        if isinstance(value, str) and not re.fullmatch(f"-?{_AMOUNT}", value):
            raise ValidationError(_NO_AMOUNT)
        amount = Decimal(str(value))
        if not amount.is_finite():
            raise ValidationError(_NO_AMOUNT)
        if amount <= 0:
            raise ValidationError("must be more than 0")
        return amount

    def shape(self, _settings: Settings) -> Shape:
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": f"^{_AMOUNT}$"}]}


class Flag(fields.Field[bool]):
    """true, false, 1 or 0."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value in (True, "1"):
            return True
        if value in (False, "0"):
            return False
        raise ValidationError("must be true or false, or 1 or 0")

    def shape(self, _settings: Settings) -> Shape:
        return {"enum": [True, False, 1, 0, "1", "0"]}


class Key(fields.Field[str]):
    """The key of a job: text or a whole number."""

    def shape(self, _settings: Settings) -> Shape:
        return {"anyOf": [text_shape(KEY_LENGTH), {"type": "integer"}]}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if (problem := key_problem(value)) is not None:
            raise ValidationError(problem)
        return str(value)


class CorrelationId(fields.Field[str]):
    """The id of a job in the caller's own logs: short, printable text."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if (problem := correlation_problem(value)) is not None:
            raise ValidationError(problem)
        return str(value)

    def shape(self, _settings: Settings) -> Shape:
        return text_shape(CORRELATION_LENGTH)


class Topic(fields.Field[str]):
    """What a campaign is about, in any case. The value is in lower case."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if (problem := topic_problem(value)) is not None:
            raise ValidationError(problem)
        return str(value).lower()

    def shape(self, _settings: Settings) -> Shape:
        return {
            "title": "1 to 40 Latin letters, digits, - and _",
            "type": "string",
            "minLength": 1,
            "maxLength": 40,
            "pattern": f"^{TOPIC_PATTERN}$",
        }


class Link(fields.Field[str]):
    """A web address without credentials."""

    def __init__(self, most: int = _URL_LENGTH, **options: Any) -> None:
        super().__init__(error_messages=messages(""), **options)
        self.most = most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if (problem := link_problem(value, self.most)) is not None:
            raise ValidationError(problem)
        return str(value)

    def shape(self, _settings: Settings) -> Shape:
        return link_shape(self.most)


class Phone(fields.Field[Any]):
    """One phone, in any usual spelling."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if mobile_phone(value, CHECKING.get().settings.phone_region) is None:
            raise ValidationError("is not a mobile phone number")
        return value

    def shape(self, _settings: Settings) -> Shape:
        return dict(PHONE_SHAPE)


class When(fields.Field[int]):
    """A time in the future. The value is in unix milliseconds."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        checking = CHECKING.get()
        if not isinstance(value, (str, datetime)):
            raise ValidationError("must be a datetime or text such as 2030-05-01T10:00:00")
        try:
            ms = parse_when(value, checking.settings.gateway_timezone)
        except (ValueError, OverflowError) as error:
            raise ValidationError(str(error) if isinstance(error, ValueError) else "is not a valid time") from None
        if ms < checking.now.timestamp() * 1000:
            raise ValidationError("is in the past")
        return ms

    def shape(self, _settings: Settings) -> Shape:
        return dict(WHEN_SHAPE)
