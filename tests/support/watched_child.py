"""A process in which others watch: crash reporter, tracers, debug logs and audit hooks. Says what they saw.

Its input: address of a gateway, token, phone, text. Calls every method of the gateway, with and without success.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import sentry_sdk
from opentelemetry import trace
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sentry_sdk.transport import Transport as Reporting

from campaigns.errors import CampaignsError
from campaigns.gateway import Gateway, Transport
from campaigns.jobs.values import ImageFile
from campaigns.settings import Secret, Settings

seen: list[str] = []


class Reports(Reporting):
    """Keeps what a crash reporter would send."""

    def capture_envelope(self, envelope: Any) -> None:
        seen.extend(item.payload.get_bytes().decode() for item in envelope.items)


def audited(event: str, args: tuple[Any, ...]) -> None:
    if event == "http.client.send":
        seen.append(repr(bytes(args[1])))


def watch() -> InMemorySpanExporter:
    sys.addaudithook(audited)
    sentry_sdk.init(dsn="http://key@127.0.0.1:1/1", transport=Reports, traces_sample_rate=1.0)
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    URLLib3Instrumentor().instrument()
    RequestsInstrumentor().instrument()
    return spans


def acts(gateway: Gateway, phone: str, text: str) -> list[Callable[[], Any]]:
    fields = {"vibername_id": "7", "phone": phone, "message": text}
    image = ImageFile("a.png", "image/png", b"png")
    messages = json.dumps([{"text": text, "delivery_list": [phone]}]).encode()
    return [
        lambda: gateway.send_bulk_viber(messages),
        lambda: gateway.status_bulk_viber("u-1").data,
        lambda: gateway.send_quick_viber_message(fields),
        lambda: gateway.send_quick_viber_message(fields, image=image),
        lambda: gateway.get_viber_delivery_data(1).data,
        lambda: gateway.send_viber_message_list(fields, image=image),
        lambda: gateway.confirm_viber_message(1),
        gateway.get_viber_messages,
        lambda: gateway.get_viber_message_data(1),
        lambda: gateway.get_viber_delivery_list(1).data,
        lambda: gateway.get_new_incoming_messages(1),
        lambda: gateway.read_response_status(["1"]),
    ]


def report(error: Exception) -> None:
    sentry_sdk.capture_exception(error)
    seen.extend(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def prepared(url: str, token: str, phone: str, text: str) -> list[Callable[[], Any]]:
    """What is to be done; no frame that stays holds the token."""
    os.environ |= {"CAMPAIGNS_TOKEN": token, "CAMPAIGNS_RATE_LIMIT": "nonsense"}
    transport = Transport(url, connect_timeout_s=2, deadline_s=2)
    gateway = Gateway(transport, Secret(token), read_attempts=2, sleep=lambda _: None)
    return [*acts(gateway, phone, text), lambda: Settings.from_env(os.environ)]


def main() -> None:
    # From its input: reporters show the arguments of a process.
    steps = prepared(*json.load(sys.stdin))
    logs = io.StringIO()
    logging.basicConfig(stream=logs, level=logging.DEBUG)
    logging.getLogger("sentry_sdk").setLevel(logging.WARNING)
    spans = watch()
    failures = 0
    with sentry_sdk.start_transaction(op="task", name="all"):
        for step in steps:
            try:
                step()
            except CampaignsError as error:
                failures += 1
                report(error)
        sentry_sdk.capture_message("with breadcrumbs")
    sentry_sdk.flush()
    seen.append(logs.getvalue())
    seen.extend(span.to_json() for span in spans.get_finished_spans())
    sys.__stdout__.write(json.dumps({"seen": seen, "failures": failures, "spans": len(spans.get_finished_spans())}))


if __name__ == "__main__":
    main()
