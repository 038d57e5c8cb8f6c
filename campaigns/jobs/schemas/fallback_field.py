"""The rules between the field of a job that asks for a fallback and others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from campaigns.jobs.schemas.json_parts import Shape, having, in_any_case
from campaigns.statuses import NOT_AT_ALL

#: The longest time until a fallback: a week.
LONGEST_S: Final = 604_800


def fallback_problems(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The contradictions between this field and others. Each of them is well formed."""
    if values.get("fallback_after_s") is None:
        return {}
    if values.get("follow") == NOT_AT_ALL:
        return {"fallback_after_s": ["is not possible with follow: none, because its messages are not polled"]}
    if values.get("forwarding_message"):
        why = "cannot be used with forwarding_message: both would reach the recipient by another way"
        return {"fallback_after_s": [why]}
    return {}


def fallback_rules() -> list[Shape]:
    """The same rules as JSON Schema."""
    there = having("fallback_after_s", fallback_after_s={"not": {"type": "null"}})
    unfollowed = having("follow", follow=in_any_case(NOT_AT_ALL))
    forwarded = having("forwarding_message", forwarding_message={"enum": [True, 1, "1"]})
    return [{"not": {"allOf": [there, {"anyOf": [unfollowed, forwarded]}]}}]
