"""The fields of a job that define its window, and the rules between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, fields

from campaigns.jobs.schemas.json_parts import Shape, having, in_any_case, where
from campaigns.jobs.schemas.strict import CHECKING
from campaigns.settings import Settings
from campaigns.times.windows import RECIPIENT, WEEKDAYS, WHOLE_DAY, Window, parse_between, parse_weekdays

_TIME_OF_DAY: Final = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
WINDOW_FIELDS: Final = ("send_between", "send_on", "send_zone")


class TimesOfDay(fields.Field[tuple[int, int]]):
    """An opening and a closing time. The value is in minutes of the day."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[int, int]:
        try:
            return parse_between(_listed(value))
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def shape(self, _settings: Settings) -> Shape:
        time = {"type": "string", "pattern": _TIME_OF_DAY}
        return {
            "title": 'list of two times of day, such as `["09:00", "20:00"]`',
            "type": "array",
            "prefixItems": [time, time],
            "items": False,
            "minItems": 2,
        }


class Weekdays(fields.Field[frozenset[int]]):
    """Some weekdays. The values are numbers, from 0 for Monday."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> frozenset[int]:
        try:
            return parse_weekdays(_listed(value))
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def shape(self, _settings: Settings) -> Shape:
        words = ", ".join(f"`{day}`" for day in WEEKDAYS)
        return {"title": f"list of {words}", "type": "array", "minItems": 1, "items": in_any_case(*WEEKDAYS)}


class ZoneName(fields.Field[str]):
    """The name of a time zone, or `recipient`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str) or not zone_known(value):
            raise ValidationError(f"must be a time zone such as Europe/Minsk, or {RECIPIENT}")
        return value

    def shape(self, _settings: Settings) -> Shape:
        return {"title": f"time zone such as Europe/Minsk, or `{RECIPIENT}`", "type": "string", "minLength": 1}


def zone_known(name: str) -> bool:
    """Whether a window may have a zone of this name."""
    try:
        return name == RECIPIENT or bool(ZoneInfo(name).key)
    except (KeyError, ValueError, OSError):
        return False


def window_of(values: Mapping[str, Any], settings: Settings) -> Window | None:
    """The window of a checked job, with defaults from the settings; None if it may go out at any time."""
    between, on = (values[name] or getattr(settings, name) for name in ("send_between", "send_on"))
    if values["transactional"] or (between is None and on is None):
        return None
    zone = values["send_zone"] or settings.send_zone or settings.gateway_timezone.key
    return Window(between or WHOLE_DAY, on or frozenset(range(len(WEEKDAYS))), zone)


def window_problems(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """The contradictions between these fields, by field. Each of them is well formed."""
    settings, given = CHECKING.get().settings, [name for name in WINDOW_FIELDS if values.get(name) is not None]
    if values.get("transactional"):
        return {name: ["has no place in a transactional job, which goes out at any time"] for name in given}
    window = window_of({name: values.get(name) for name in (*WINDOW_FIELDS, "transactional")}, settings)
    if window is None:
        return {name: ["can only be used with send_between or send_on"] for name in given}
    if window.zone == RECIPIENT and values.get("kind") == "list":
        return {"send_zone": ["must name a zone: only the gateway knows who is on the list"]}
    return {}


def window_rules(settings: Settings) -> list[Shape]:
    """The same rules as JSON Schema."""
    given: Shape = {"not": {"type": "null"}}
    transactional = having("transactional", transactional={"enum": [True, 1, "1"]})
    rules = [where(transactional, having(**{name: {"type": "null"} for name in WINDOW_FIELDS}))]
    if settings.send_between is None and settings.send_on is None:
        spans = {"anyOf": [having(name, **{name: given}) for name in ("send_between", "send_on")]}
        rules.append(where(having("send_zone", send_zone=given), spans))
    return rules


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []
