"""The project's Celery app with all that people hang onto theirs, with defaults: Sentry, OpenTelemetry, dumps of tasks
that fail. What they see goes into the file `WATCHED_SEEN`; scripts that `WATCHED_MISTAKES` names fail once.

`celery --app tests.support.watched_app worker`.
"""

from __future__ import annotations

import fcntl
import os
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentry_sdk
from celery.signals import task_failure, worker_process_init
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from sentry_sdk.transport import Transport

from campaigns.store.client import Store
from workers.app import app

__all__ = ["app"]

_SEEN = Path(os.environ["WATCHED_SEEN"])


def say(kind: str, text: str) -> None:
    with _SEEN.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{kind}: {text}\n")


class Reports(Transport):
    def capture_envelope(self, envelope: Any) -> None:
        for item in envelope.items:
            say(f"sentry {item.type}", item.payload.get_bytes().decode())


class Spans(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            say("span", span.to_json(indent=None))
        return SpanExportResult.SUCCESS


def trace_everything(**_: Any) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Spans()))
    trace.set_tracer_provider(provider)
    for instrumentor in (CeleryInstrumentor, RedisInstrumentor, RequestsInstrumentor, URLLib3Instrumentor):
        instrumentor().instrument()


def dump(exception: BaseException, **_: Any) -> None:
    """As tools do that show a crash with all that was known."""
    found = traceback.TracebackException.from_exception(exception, capture_locals=True)
    say("dump", "".join(found.format()))


def make_mistakes(folder: Path) -> None:
    """A script whose name is a file in the folder fails once, as by a mistake of ours."""

    def fail_once(name: str) -> None:
        try:
            (folder / name).unlink()
        except FileNotFoundError:
            return
        raise RuntimeError(f"a mistake that was planted in {name}")

    run, carry_out = Store.run, Store._carry_out

    def run_or_fail(self: Store, name: str, *args: Any, **options: Any) -> Any:
        fail_once(name)
        return run(self, name, *args, **options)

    def carry_out_or_fail(self: Store, calls: Any, **options: Any) -> Any:
        for name, _, _ in calls:
            fail_once(name)
        return carry_out(self, calls, **options)

    Store.run, Store._carry_out = run_or_fail, carry_out_or_fail  # type: ignore[method-assign]


sentry_sdk.init(dsn="http://key@127.0.0.1:1/1", transport=Reports, traces_sample_rate=1.0)
worker_process_init.connect(trace_everything, weak=False)
task_failure.connect(dump, weak=False)
make_mistakes(Path(os.environ["WATCHED_MISTAKES"]))
