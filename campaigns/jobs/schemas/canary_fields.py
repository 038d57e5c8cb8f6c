"""The fields of a job that define a canary, and the rules between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields

from campaigns.jobs.schemas.json_parts import Shape, having, in_any_case, where
from campaigns.jobs.values import Canary
from campaigns.settings import Settings
from campaigns.statuses import NOT_AT_ALL

CANARY_FIELDS: Final = ("canary", "canary_wait_s", "canary_max_failed")
WAIT_S: Final = 600
MAX_FAILED: Final = 0.2


class Share(fields.Field[float]):
    """A share, from 0 to 1."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ValidationError("must be a share from 0 to 1, such as 0.2")
        return float(value)

    def shape(self, _settings: Settings) -> Shape:
        return {"title": "share from 0 to 1", "type": "number", "minimum": 0, "maximum": 1}


def canary_of(values: Mapping[str, Any]) -> Canary | None:
    """The canary of a checked job."""
    recipients, wait_s, max_failed = (values[name] for name in CANARY_FIELDS)
    if recipients is None:
        return None
    return Canary(recipients, WAIT_S if wait_s is None else wait_s, MAX_FAILED if max_failed is None else max_failed)


def canary_problems(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The contradictions between these fields, by field. Each of them is well formed."""
    given = [name for name in CANARY_FIELDS if values.get(name) is not None]
    if values.get("kind") == "list":
        return {name: ["has no place in a job of kind list: the gateway sends all of it at once"] for name in given}
    if "canary" not in given:
        return {name: ["can only be used with canary"] for name in given}
    if values.get("follow") == NOT_AT_ALL:
        return {"canary": ["cannot be judged with follow: none, because its messages are not polled"]}
    return {}


def canary_rules() -> list[Shape]:
    """The same rules as JSON Schema, except those for list jobs."""
    given: Shape = {"not": {"type": "null"}}
    needing = {"anyOf": [having(name, **{name: given}) for name in CANARY_FIELDS[1:]]}
    there = having("canary", canary=given)
    unfollowed = having("follow", follow=in_any_case(NOT_AT_ALL))
    return [where(needing, there), {"not": {"allOf": [there, unfollowed]}}]
