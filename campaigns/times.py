"""The gateway's times, which carry no zone, and ours, which are unix milliseconds. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_FORMS = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}:?\d{2}))?")


def parse_when(value: datetime | str, zone: ZoneInfo) -> int:
    """A point in time as unix milliseconds. Without a zone of its own it is a time in `zone`.

    Takes datetimes and text such as `2030-05-01 10:00`, `2030-05-01T10:00:00` and `2030-05-01T10:00:00+03:00`.
    Raises ValueError for anything else, and for a time that the clocks of `zone` leave out.
    """
    if isinstance(value, str):
        text = value.strip()
        if not _FORMS.fullmatch(text):
            raise ValueError("must look like 2030-05-01T10:00:00, with or without a zone")
        try:
            value = datetime.fromisoformat(text.replace(" +", "+").replace(" -", "-").replace(" Z", "Z"))
        except ValueError:
            raise ValueError("is no point in time") from None
    if value.tzinfo is None:
        local = value.replace(tzinfo=zone)
        if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != value:
            raise ValueError(f"does not exist in {zone.key}: the clocks are set forward over it")
        value = local
    return round(value.timestamp() * 1000)


def _local(ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ms / 1000, tz=zone).replace(tzinfo=None)


def to_schedule_time(ms: int, zone: ZoneInfo) -> str:
    """As `schedule_time` of sendBulkViber: `YYYY-MM-DDTHH:mm:ss`."""
    return _local(ms, zone).strftime("%Y-%m-%dT%H:%M:%S")


def to_d_schedule(ms: int, zone: ZoneInfo) -> str:
    """As `d_schedule` of sendViberMessageList: `YYYY-MM-DD HH:MM`, never earlier than asked for."""
    moment = _local(ms, zone)
    if moment.second or moment.microsecond:
        moment = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return moment.strftime("%Y-%m-%d %H:%M")


@lru_cache(maxsize=4096)
def _minute_ms(text: str, zone: ZoneInfo) -> int:
    """A whole minute. The times of one answer lie close together, and reading one costs more than the rest of a row."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def from_gateway(text: str, zone: ZoneInfo) -> int | None:
    """Any of the gateway's times as unix milliseconds; None for what is not one."""
    try:
        moment = datetime.fromisoformat(text)
        if text[16:17] == ":":
            return _minute_ms(text[:16], zone) + moment.second * 1000 + (moment.microsecond + 500) // 1000
        return round(moment.replace(tzinfo=zone).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return None
