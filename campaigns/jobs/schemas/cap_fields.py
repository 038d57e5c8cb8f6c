"""The fields of a job that make its frequency cap stricter, and the rules between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from campaigns.jobs.caps import Cap, Limit
from campaigns.jobs.schemas.json_parts import Shape, having, where
from campaigns.jobs.schemas.strict import CHECKING
from campaigns.settings import Settings
from campaigns.settings.values import PER_ACCOUNT

CAP_FIELDS: Final = ("cap_messages", "cap_days")


def cap_of(values: Mapping[str, Any], settings: Settings) -> Cap | None:
    """The frequency cap of a checked job: that of the settings, and its own; None if it has none."""
    if settings.cap_messages is None or values["transactional"] or values["kind"] == "list":
        return None
    limits = [Limit(settings.cap_messages, settings.cap_days)]
    if values["cap_messages"] is not None:
        limits.append(Limit(values["cap_messages"], values["cap_days"] or settings.cap_days))
    return Cap(values["account"] if settings.cap_scope == PER_ACCOUNT else "", tuple(limits))


def cap_problems(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The contradictions between these fields, by field. Each of them is well formed."""
    settings, given = CHECKING.get().settings, [name for name in CAP_FIELDS if values.get(name) is not None]
    never = ""
    if values.get("kind") == "list":
        never = "has no place in a job of kind list: only the gateway knows its recipients"
    elif values.get("transactional"):
        never = "has no place in a transactional job, which no cap holds back"
    elif settings.cap_messages is None:
        never = "needs CAMPAIGNS_CAP_MESSAGES: messages are not counted without it"
    if never or not given:
        return {name: [never] for name in given}
    if "cap_messages" not in given:
        return {"cap_days": ["can only be used with cap_messages"]}
    if (days := values.get("cap_days")) is not None and days > settings.cap_days:
        return {"cap_days": [f"must be at most {settings.cap_days}: messages are counted for that long"]}
    return {}


def cap_rules(settings: Settings) -> list[Shape]:
    """The same rules as JSON Schema, except those for list jobs."""
    given: Shape = {"not": {"type": "null"}}
    none = having(**{name: {"type": "null"} for name in CAP_FIELDS})
    if settings.cap_messages is None:
        return [none]
    transactional = having("transactional", transactional={"enum": [True, 1, "1"]})
    needing = where(having("cap_days", cap_days=given), having("cap_messages", cap_messages=given))
    return [where(transactional, none), needing]
