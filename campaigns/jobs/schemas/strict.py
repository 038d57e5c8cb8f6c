"""The base of the schemas of jobs: the context in which they check, and the refusal of unknown fields."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any, ClassVar, Protocol, Self, cast

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing, validates_schema

from campaigns.jobs.schemas.json_parts import Shape
from campaigns.settings import Settings
from campaigns.text.unknown_fields import unknown_field
from campaigns.text.wellformed import TextRule

#: The most places that an error names; of further mistakes it gives only the number.
ERRORS_CAP = 100


@dataclass(frozen=True, slots=True)
class Checking:
    """The context in which the fields check their values."""

    settings: Settings
    now: datetime
    #: Whether braces in the job's texts are ordinary characters.
    literal: bool = False
    #: Whether it is a quick message that is forwarded as SMS.
    forwarded: bool = False

    @property
    def text_rule(self) -> TextRule:
        """The rule for the texts of this job: that of the strictest channel that they use."""
        most = self.settings.text_length
        return TextRule(min(most, self.settings.sms_text_length) if self.forwarded else most, self.literal)


CHECKING: ContextVar[Checking] = ContextVar("CHECKING")


class StrictSchema(Schema):
    """Refuses unknown fields, and names the field that was probably meant and those that exist."""

    REFUSED: ClassVar[Mapping[str, str]] = {}
    #: For a mailing that is not an object, for example; marshmallow ignores the nested field's own message.
    error_messages = {"type": "must be an object"}  # noqa: RUF012 (so marshmallow declares it)

    class Meta:
        unknown = EXCLUDE

    @classmethod
    @cache
    def shared(cls) -> Self:
        """One instance for all jobs. Making one copies every field, which takes as long as checking a job."""
        return cls()

    @cached_property
    def _visits(self) -> list[tuple[str, fields.Field[Any], bool, Any]]:
        """Of each field its name, whether it is asked even if it is absent, and its default if not."""
        return [
            (name, field, field.required or callable(field.load_default), field.load_default)
            for name, field in self.load_fields.items()
        ]

    def _deserialize(
        self,
        data: Any,
        *,
        error_store: Any,
        many: bool = False,
        partial: Any = None,
        unknown: Any = EXCLUDE,
        index: int | None = None,
    ) -> Any:
        """As marshmallow does it, at a third of the time: of some thirty fields a job has few, and an absent one that
        may be absent is not asked."""
        if many or partial is not None or not isinstance(data, Mapping):
            return super()._deserialize(
                data, error_store=error_store, many=many, partial=partial, unknown=unknown, index=index
            )
        values: dict[str, Any] = {}
        for name, field, always, default in self._visits:
            asked = always or name in data
            value = _asked(field, name, data, error_store, index) if asked else default
            if value is not missing:
                values[name] = value
        return values

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
        """The rules between fields that its validators check, as JSON Schemas that must all hold."""
        return []

    def elsewhere(self) -> dict[str, str]:
        """Names of fields that belong into an object inside this one → the place of that object."""
        places: dict[str, str] = {}
        for name, field in self.fields.items():
            place, inner = (f"{name}[0]", field.inner) if isinstance(field, fields.List) else (name, field)
            schema = inner.schema if isinstance(inner, fields.Nested) else None
            if isinstance(schema, StrictSchema):
                places |= {deeper: f"{place}.{path}" for deeper, path in schema.elsewhere().items()}
                places |= {own: f"{place}.{own}" for own in schema.fields}
        return places


def _asked(field: fields.Field[Any], name: str, data: Mapping[str, Any], error_store: Any, index: int | None) -> Any:
    """What a field makes of its value; its errors go to the store."""
    try:
        return field.deserialize(data.get(name, missing), name, data)
    except ValidationError as error:
        error_store.store_error(error.messages, name, index=index)
        return error.valid_data or missing


class Shaped(Protocol):
    """A field that describes as JSON Schema exactly the JSON values that it accepts, apart from null."""

    def shape(self, settings: Settings) -> Shape:
        """The JSON Schema of its values, with the limits of these settings."""


def about(means: str, *, gateway: str = "") -> dict[str, str]:
    """A field's metadata: its meaning, and the gateway's own rules for it."""
    return {"means": means, "gateway": gateway}


def messages(what: str) -> dict[str, Any]:
    """The error messages of a field, of which `what` is the one for a wrong value."""
    return {"required": "is missing", "null": "is missing", "invalid": what, "type": what}
