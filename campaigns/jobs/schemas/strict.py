"""The ground of the schemas of jobs: what they know of their surroundings, and that they refuse unknown fields."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Protocol, Self, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from campaigns.jobs.schemas.json_parts import Shape
from campaigns.settings import Settings
from campaigns.text.unknown_fields import unknown_field
from campaigns.text.wellformed import TextRule

#: So many places are named; a list with a million mistakes is told how many more there are.
ERRORS_CAP = 100


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
    """Refuses fields that it does not know, and says which one was probably meant and which there are."""

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
        unknown = [name for name in original if name not in self.fields][:ERRORS_CAP]
        if unknown:
            elsewhere = self.elsewhere()
            errors = {
                str(name): [self.REFUSED.get(str(name)) or unknown_field(name, self.fields, elsewhere)]
                for name in unknown
            }
            raise ValidationError(cast(Any, errors))

    def rules(self, _settings: Settings) -> list[Shape]:
        """What its validators check between fields, as JSON Schema: all of these hold."""
        return []

    def elsewhere(self) -> dict[str, str]:
        """Names that have no place in this object → where they have one: in an object inside of it."""
        places: dict[str, str] = {}
        for name, field in self.fields.items():
            place, inner = (f"{name}[0]", field.inner) if isinstance(field, fields.List) else (name, field)
            schema = inner.schema if isinstance(inner, fields.Nested) else None
            if isinstance(schema, StrictSchema):
                places |= {deeper: f"{place}.{path}" for deeper, path in schema.elsewhere().items()}
                places |= {own: f"{place}.{own}" for own in schema.fields}
        return places


class Shaped(Protocol):
    """A field that says as JSON Schema what it accepts in JSON, but for null. It accepts nothing else there."""

    def shape(self, settings: Settings) -> Shape:
        """The JSON Schema of its values, by the limits of these settings."""


def about(means: str, *, gateway: str = "") -> dict[str, str]:
    """A field's metadata: what it means, and what the gateway asks of it."""
    return {"means": means, "gateway": gateway}


def messages(what: str) -> dict[str, Any]:
    """The words for what can be wrong with any field."""
    return {"required": "is missing", "null": "is missing", "invalid": what, "type": what}
