"""Log lines of our own processes: one per record, with the event's name and its facts, as text or as JSON.

Our records carry a fixed event name as their message and facts in `extra`. Lines of libraries have the same shape:
their event is the logger's name, and `message` their text. An exception is written as its type and its traceback; its
message only if it is known to hold no content of a job (`described`).

Nothing here installs itself: a program that calls `enqueue` keeps its logging as it is.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

from campaigns.text.harmless import UNSAFE, harmless_lines, json_line

#: The names of our loggers begin with one of these.
_OURS: Final = frozenset({"campaigns", "workers"})
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: A longer text is cut: collectors of logs split lines, and half an object is not JSON.
_LONGEST: Final = 2_000
_LONGEST_TRACEBACK: Final = 8_000
_PLAIN: Final = re.compile(r'[^\s"=\\]+')
#: Packages whose exceptions describe connections, processes and states, never a job.
_HARMLESS: Final = frozenset({"amqp", "billiard", "campaigns", "celery", "kombu", "redis", "socket", "ssl", "workers"})
_HARMLESS_BUILTINS: Final = (AttributeError, ImportError, OSError, TypeError)
#: Where redis-py and the server repeat a command with its arguments.
_COMMAND: Final = re.compile(
    r"Command # [0-9]+ \(.*\) of pipeline caused error: |, with args beginning with: .*", re.DOTALL
)


class LineFormatter(logging.Formatter):
    """Writes a record in the `form` of the setting `log_format`: `text` or `json`."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self._write: Callable[[Mapping[str, Any]], str] = json_line if form == "json" else _text_line

    def format(self, record: logging.LogRecord) -> str:
        return self._write(line_of(record))


@contextmanager
def to_stderr(form: str) -> Iterator[None]:
    """Write this process's log to standard error while the block lasts. For processes that Celery does not start."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(form))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(before)
        root.removeHandler(handler)


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a line, in order. A field that is None is left out."""
    own = record.name.partition(".")[0] in _OURS
    message = _message(record)
    facts = _own_facts(record) if own else {"message": message, **_task_facts(record)}
    line = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "event": message if own else record.name,
        **facts,
        "logger": record.name,
        "process": record.process,
        "traceback": _traceback(record),
    }
    return {name: _cut(value, name) for name, value in line.items() if value is not None}


def described(error: BaseException) -> str:
    """An exception in one line: its type, and its message if that cannot hold content of a job."""
    kind = type(error)
    is_harmless = kind.__module__.partition(".")[0] in _HARMLESS and kind.__module__ != "billiard.einfo"
    if kind.__module__ == "builtins":
        is_harmless = isinstance(error, _HARMLESS_BUILTINS)
    words = _COMMAND.sub("", str(error)) if is_harmless else ""
    return f"{kind.__qualname__}: {words}" if words else kind.__qualname__


def _text_line(line: Mapping[str, Any]) -> str:
    """For people: `2026-05-04T05:02:01.123Z WARNING batch_held campaign=...`; a traceback follows on further lines."""
    begin = f"{line['time']} {line['level']} {line['event']}"
    left_out = {"time", "level", "event", "logger", "process", "traceback"}
    facts = "".join(f" {name}={_value(value)}" for name, value in line.items() if name not in left_out)
    below = f"\n{harmless_lines(line['traceback'])}" if "traceback" in line else ""
    return _plain(begin) + facts + below


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json_line(value)
    is_safe = (text.isascii() and text.isprintable()) or not UNSAFE.search(text)
    return text if is_safe and _PLAIN.fullmatch(text) else json_line(text)


def _plain(text: str) -> str:
    return json_line(text)[1:-1] if UNSAFE.search(text) else text


def _message(record: logging.LogRecord) -> str:
    """The message. Exceptions among its arguments are `described`, so that none reveals content of a job."""
    args: Any = record.args
    if isinstance(args, Mapping):
        # Celery's line about a task that raised: `exc` is the exception's repr.
        args = {**args, **({"exc": _repeated(record, str(args["exc"]))} if "exc" in args else {})}
    elif args:
        args = tuple(described(part) if isinstance(part, BaseException) else part for part in args)
    try:
        message = str(record.msg) % args if args else str(record.msg)
    except Exception:  # noqa: BLE001 (logging would print the arguments themselves to standard error)
        message = str(record.msg)
    return _COMMAND.sub("", message)


def _repeated(record: logging.LogRecord, shown: str) -> str:
    error = record.exc_info[1] if record.exc_info else None
    return described(error) if error is not None else shown.partition("(")[0]


def _own_facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _task_facts(record: logging.LogRecord) -> dict[str, Any]:
    """Of what Celery adds to its lines about a task, all but arguments and results."""
    data = getattr(record, "data", None)
    if not isinstance(data, Mapping) or "name" not in data:
        return {}
    runtime_s = data.get("runtime")
    took_ms = round(runtime_s * 1000) if isinstance(runtime_s, float) else None
    return {"task": data["name"], "task_id": data.get("id"), "ms": took_ms}


def _traceback(record: logging.LogRecord) -> str | None:
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return None
    parts = [
        f"Traceback (most recent call last):\n{''.join(traceback.format_tb(one.__traceback__))}{described(one)}"
        for one in chain(error)
    ]
    return "\n\n".join(reversed(parts))


def chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and its causes, newest first."""
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        now = now.__cause__ or (None if now.__suppress_context__ else now.__context__)


def _cut(value: Any, name: str) -> Any:
    if name == "traceback":
        # The end of a traceback is the most useful part.
        return value[-_LONGEST_TRACEBACK:]
    return value[:_LONGEST] + "..." if isinstance(value, str) and len(value) > _LONGEST else value
