"""The three kinds of job as JSON Schema, made from the marshmallow schemas that check them.

`enqueue` refuses every job that the JSON Schema refuses. It also refuses others, because JSON Schema cannot express
some rules: that a time lies in the future, for example, or that the names of mailings differ.
"""

from __future__ import annotations

from typing import Any, Final, cast

from marshmallow import fields, missing

from campaigns.jobs.schemas.delivery_lists import MAILINGS_MOST
from campaigns.jobs.schemas.json_parts import Shape, having, where
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.jobs.schemas.strict import Shaped, StrictSchema
from campaigns.settings import Settings

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def job_schema(kind: str, settings: Settings) -> Shape:
    """The JSON Schema of one kind of job, with the limits of these settings. Raises KeyError for an unknown kind."""
    return {"$schema": DIALECT, "title": f"A job of kind {kind}", **_object(KINDS[kind].shared(), settings)}


def jobs_schema(settings: Settings) -> Shape:
    """The JSON Schema of any job, with the limits of these settings. A job without a `kind` is of kind `bulk`."""
    definitions = {kind: _object(schema.shared(), settings) for kind, schema in KINDS.items()}
    references = {kind: {"$ref": f"#/$defs/{kind}"} for kind in KINDS}
    chosen = references["bulk"]
    for kind in ("list", "quick"):
        chosen = where(having("kind", kind={"const": kind}), references[kind], chosen)
    return {"$schema": DIALECT, "title": "A job", "$defs": definitions, "type": "object", **chosen}


def field_shape(field: fields.Field[Any], settings: Settings) -> Shape:
    """The JSON Schema of a field's values, including null if the field may be null."""
    shape = _shape(field, settings)
    if not field.allow_none:
        return shape
    return {"anyOf": [*(shape["anyOf"] if list(shape) == ["anyOf"] else [shape]), {"type": "null"}]}


def _shape(field: fields.Field[Any], settings: Settings) -> Shape:
    if isinstance(field, fields.Nested):
        return _object(cast(StrictSchema, field.schema), settings)
    if isinstance(field, fields.List):
        return {"type": "array", "minItems": 1, "maxItems": MAILINGS_MOST, "items": _shape(field.inner, settings)}
    return cast(Shaped, field).shape(settings)


def _object(schema: StrictSchema, settings: Settings) -> Shape:
    shape: Shape = {
        "description": " ".join((schema.__doc__ or "").split()),
        "type": "object",
        "properties": {name: _described(field, settings) for name, field in schema.fields.items()},
        "required": [name for name, field in schema.fields.items() if field.required],
        "additionalProperties": False,
    }
    rules = schema.rules(settings)
    return {**shape, "allOf": rules} if rules else shape


def _described(field: fields.Field[Any], settings: Settings) -> Shape:
    said = field.metadata
    gateway = f" At the gateway: {said['gateway']}" if said["gateway"] else ""
    shape = {**field_shape(field, settings), "description": f"{said['means']}{gateway}"}
    return shape if field.load_default in (missing, None) else {**shape, "default": field.load_default}
