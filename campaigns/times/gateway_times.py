"""The gateway's times, which carry no zone, and ours, which are unix milliseconds. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_MOST_MINUTES = 4096
#: A day more in another zone must still be a date.
_LAST_YEAR = 9998
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
    if not 1970 <= value.year <= _LAST_YEAR:
        raise ValueError(f"lies outside of the years 1970 to {_LAST_YEAR}")
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


class _Minutes(dict[str, int]):
    """Whole minutes. The times of one answer lie close together, and reading one costs more than the rest of a row."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def __missing__(self, text: str) -> int:
        if len(self) >= _MOST_MINUTES:
            self.clear()
        self[text] = ms = round(datetime.fromisoformat(text).replace(tzinfo=self._zone).timestamp() * 1000)
        return ms


@cache
def gateway_reader(zone: ZoneInfo) -> Callable[[str], int | None]:
    """`from_gateway` for one zone, fast enough for a thousand times."""
    minutes, read = _Minutes(zone), datetime.fromisoformat

    def at_ms(text: str) -> int | None:
        try:
            moment = read(text)
            if text[16:17] == ":":
                return minutes[text[:16]] + moment.second * 1000 + (moment.microsecond + 500) // 1000
            return round(moment.replace(tzinfo=zone).timestamp() * 1000)
        except (ValueError, TypeError, OverflowError):
            return None

    return at_ms


def from_gateway(text: str, zone: ZoneInfo) -> int | None:
    """Any of the gateway's times as unix milliseconds; None for what is not one."""
    return gateway_reader(zone)(text)
