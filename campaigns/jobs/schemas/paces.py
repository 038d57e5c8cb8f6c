"""The field of a job that sets its rate."""

from __future__ import annotations

import re
from typing import Any, Final

from marshmallow import ValidationError, fields

from campaigns.jobs.schemas.json_parts import Shape, in_any_case
from campaigns.settings import Settings

_RATE: Final = re.compile(r" *([1-9][0-9 ]{0,12})/ *(second|minute|hour|day) *", re.ASCII | re.IGNORECASE)
_DIGITS_MOST: Final = 9
_MS: Final = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class Pace(fields.Field[float]):
    """The most recipients in a unit of time, such as `10000/hour`. The value is in milliseconds per recipient."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> float:
        match = _RATE.fullmatch(value) if isinstance(value, str) else None
        number = match[1].replace(" ", "") if match else ""
        if match is None or len(number) > _DIGITS_MOST:
            raise ValidationError("must be recipients per second, minute, hour or day, such as 10000/hour")
        return _MS[match[2].lower()] / int(number)

    def shape(self, _settings: Settings) -> Shape:
        units = in_any_case(*_MS)["pattern"].strip("^$")
        return {
            "title": "recipients per unit of time, such as 10000/hour",
            "type": "string",
            "pattern": f"^ *[1-9][0-9 ]{{0,12}}/ *{units} *$",
        }
