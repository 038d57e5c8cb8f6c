"""Lines of logs: their shape, and what never stands in them."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.errors import StateError
from campaigns.logs import LineFormatter, described, to_stderr
from workers.logs import hush

LONG_AGO_S = 1_777_870_921.5


def record(
    event: str = "batch_held", *args: Any, name: str = "campaigns.flow.doubt", **facts: Any
) -> logging.LogRecord:
    made = logging.getLogger(name).makeRecord(name, logging.WARNING, "x.py", 1, event, args, None, extra=facts)
    made.created = LONG_AGO_S
    return made


def text(made: logging.LogRecord) -> str:
    return LineFormatter("text").format(made)


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    line = LineFormatter("json").format(made)
    assert "\n" not in line
    document: dict[str, Any] = json.loads(line)
    return document


def raised(act: Callable[[], Any], name: str = "celery.app.trace") -> logging.LogRecord:
    try:
        act()
    except (ValueError, StateError):
        made = record("Task %(name)s[%(id)s] %(exc)s", name=name)
        made.args = {"name": "campaigns.work", "id": "1", "exc": repr(sys.exc_info()[1])}
        made.exc_info = sys.exc_info()
        return made
    raise AssertionError("nothing was raised")


def test_text_names_the_event_and_its_facts() -> None:
    facts = {"batch": "c1-0", "account": "shop", "reason": "absence is proven; hold", "ms": 12, "found": None}
    assert text(record(**facts)) == (
        '2026-05-04T05:02:01.500Z WARNING batch_held batch=c1-0 account=shop reason="absence is proven; hold" ms=12'
    )


def test_json_is_one_object_with_the_same_facts() -> None:
    line = as_json(record(batch="c1-0", rows=3, complete=True, found=None))
    assert line["event"], line["level"] == ("batch_held", "WARNING")
    assert (line["batch"], line["rows"], line["complete"]) == ("c1-0", 3, True)
    assert line["time"] == "2026-05-04T05:02:01.500Z"
    assert "found" not in line


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a b", '"a b"'),
        ("", '""'),
        ('say "x"', '"say \\"x\\""'),
        ("a=b", '"a=b"'),
        ("sent\n2026 INFO all_is_well", '"sent\\n2026 INFO all_is_well"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("txt\u202eexe", '"txt\\u202eexe"'),
        ("\ud83d", '"\\ud83d"'),
        (True, "true"),
        (0.25, "0.25"),
        (["a", "b"], '"[\\"a\\",\\"b\\"]"'),
    ],
)
def test_no_value_breaks_out_of_its_place(value: object, shown: str) -> None:
    assert text(record(reason=value)).endswith(f" reason={shown}")
    assert len(text(record(reason=value)).splitlines()) == 1
    assert as_json(record(reason=value))["reason"] == value


def test_lines_of_libraries_have_the_same_shape() -> None:
    made = record("Connected to %s\nat once", "redis://h", name="celery.worker", data={"args": "secret"}, more="secret")
    assert text(made).endswith('WARNING celery.worker message="Connected to redis://h\\nat once"')
    assert as_json(made)["message"] == "Connected to redis://h\nat once"
    assert "secret" not in text(made) + str(as_json(made))


def test_a_task_is_named_without_its_arguments() -> None:
    data = {"name": "campaigns.submit", "id": "d1", "runtime": 0.0123, "args": "secret", "return_value": "secret"}
    made = record("Task %(name)s[%(id)s] succeeded", data, name="celery.app.trace", data=data)
    line = as_json(made)
    assert (line["task"], line["task_id"], line["ms"]) == ("campaigns.submit", "d1", 12)
    assert "secret" not in text(made) + str(line)


def test_a_message_that_does_not_fit_its_arguments_is_written_all_the_same() -> None:
    assert as_json(record("%d of %d", "x", name="kombu"))["message"] == "%d of %d"


@pytest.mark.parametrize("name", ["celery.app.trace", "campaigns.submission"])
def test_an_exception_says_its_type_and_place_and_nothing_of_a_job(name: str) -> None:
    private = "".join(reversed("txet etavirp yrev a"))
    made = raised(lambda: int(private), name)
    assert private not in text(made) + json.dumps(as_json(made))
    assert "ValueError" in as_json(made)["traceback"]
    assert "test_logs.py" in as_json(made)["traceback"]
    assert len(text(made).splitlines()) > 1


def test_exceptions_that_led_to_another_come_first() -> None:
    def act() -> None:
        try:
            {}["375291234567"]
        except KeyError as error:
            raise StateError("resume", "finished") from error

    made = raised(act)
    traceback = as_json(made)["traceback"]
    assert traceback.index("KeyError") < traceback.index("StateError: cannot resume: the state is 'finished'")
    assert "KeyError: " not in traceback
    assert as_json(made)["message"] == "Task campaigns.work[1] StateError: cannot resume: the state is 'finished'"


class _ResponseError(Exception):
    """As redis-py raises it from a pipeline."""


_ResponseError.__module__ = "redis.exceptions"


def test_a_command_that_failed_is_not_repeated() -> None:
    error = _ResponseError('Command # 2 (HSET unacked t1 {"body": "c2VjcmV0"}) of pipeline caused error: READONLY no')
    assert described(error) == "_ResponseError: READONLY no"
    made = record("connection lost: %r", error, name="celery.worker.consumer")
    assert as_json(made)["message"] == "connection lost: '_ResponseError: READONLY no'"


def test_a_long_text_is_cut() -> None:
    line = as_json(record(reason="x" * 100_000))
    assert len(line["reason"]) < 3_000


@pytest.mark.parametrize(
    ("name", "event", "data"),
    [
        ("celery.worker.strategy", "Task %(name)s[%(id)s] received", {"name": "campaigns.work", "id": "1"}),
        ("celery.app.trace", "Task %(name)s[%(id)s] succeeded", {"name": "campaigns.work", "id": "1"}),
        ("celery.beat", "Scheduler: Sending due task %s (%s)", None),
    ],
)
def test_what_comes_every_second_is_written_at_debug_only(
    name: str, event: str, data: dict[str, str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    def one(level: int = logging.INFO) -> logging.LogRecord:
        made = record(event, name=name, data=data)
        made.levelno, made.levelname = level, logging.getLevelName(level)
        return made

    caplog.set_level(logging.INFO)
    assert not hush(one())
    assert hush(one(logging.ERROR))
    caplog.set_level(logging.DEBUG)
    made = one()
    assert hush(made)
    assert made.levelname == "DEBUG"


def test_a_submission_is_logged_at_info() -> None:
    made = record("Task received", name="celery.worker.strategy", data={"name": "campaigns.submit", "id": "1"})
    made.levelno = logging.INFO
    assert hush(made)
    assert made.levelno == logging.INFO


def test_standard_error_is_written_to_while_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    before = (list(logging.getLogger().handlers), logging.getLogger().level)
    with to_stderr("json"):
        logging.getLogger("campaigns.x").info("callback_noted", extra={"batch": "c1-0"})
    logging.getLogger("campaigns.x").info("unheard")
    [line] = capsys.readouterr().err.splitlines()
    assert (json.loads(line)["event"], json.loads(line)["batch"]) == ("callback_noted", "c1-0")
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before


def test_an_argument_that_cannot_be_written_costs_neither_the_line_nor_its_neighbours_secrecy() -> None:
    class Unwritable:
        def __repr__(self) -> str:
            raise AttributeError("a very private text")

    line = as_json(record("got %r", Unwritable(), name="celery.concurrency.asynpool"))
    assert line["message"] == "got %r"
