"""The field of a job that asks for a rate of its own."""

from __future__ import annotations

import re
from typing import Any, Final

from marshmallow import ValidationError, fields

_RATE: Final = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)")
_MS: Final = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


class Pace(fields.Field[float]):
    """How many recipients at most in how long, such as `10000/hour`. Read as milliseconds for each recipient."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> float:
        match = _RATE.fullmatch(value.replace(" ", "").casefold()) if isinstance(value, str) else None
        if match is None:
            raise ValidationError("must be recipients and a time, such as 10000/hour (second, minute, hour or day)")
        return _MS[match[2]] / int(match[1])
