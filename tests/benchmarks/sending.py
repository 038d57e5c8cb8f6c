"""Sending: to a gateway that answers at once, and after a while, against a bare loop and the usual design."""

from __future__ import annotations

import os
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from celery import Celery
from redis import Redis

from campaigns.enqueue import enqueue
from campaigns.flow.scheduling.work import work
from campaigns.names import BULK
from campaigns.services import Services
from campaigns.settings import Rate, Secret, Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import build_services
from tests.benchmarks.measure import Measure, alternating_s
from tests.benchmarks.planning import job, phones
from tests.benchmarks.sink import sink
from tests.support.processes import Process

_THREADS = 16
_TOKEN = "t" * 40

#: The usual design: a task per recipient, as Celery's and requests' documentation show it.
usual = Celery("tests.benchmarks.sending", broker=os.environ.get("USUAL_BROKER", "redis://127.0.0.1:1/0"))
usual.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
_session = threading.local()


@usual.task
def send_message(phone: str, text: str) -> None:
    """One message. Each thread keeps its connection alive."""
    if not hasattr(_session, "it"):
        _session.it = requests.Session()
    url = os.environ["USUAL_GATEWAY"] + "/api/v1/sendQuickViberMessage"
    answer = _session.it.post(url, params={"token": _TOKEN, "vibername_id": 7, "phone": phone, "message": text})
    answer.raise_for_status()


def services_for(redis_url: str, gateway_url: str, prefix: str) -> Services:
    settings = Settings(
        redis_url=redis_url,
        gateway_url=gateway_url,
        key_prefix=prefix,
        accounts={"default": Secret(_TOKEN)},
        rate_limit=Rate(0, 1.0),
        concurrency=1000,
    )
    return build_services(settings, ring=lambda *_: True)


def measure_sending(server: EmbeddedServer, *, quick: bool) -> Iterator[Measure]:
    batches = 5 if quick else 300
    rows = phones(batches * 1000)
    with sink() as url:
        services = services_for(server.url, url, "sending:")
        bodies = {f"bare:{n}": zlib.compress(_body(rows[n * 1000 : n * 1000 + 1000])) for n in range(batches)}
        services.store.redis.mset(bodies)

        def bare() -> None:
            """What cannot be left out: read a body, post it on a fresh connection, write the answer down."""
            for n in range(batches):
                _post(services, url, f"bare:{n}")

        def ours() -> None:
            enqueued = [enqueue(services, job(rows))]
            times.append(_timed(services, enqueued[0].id))

        times: list[float] = []
        bare_s = alternating_s([bare, ours])[0]
        ours_s = sorted(times)[len(times) // 2]
        number = len(rows)
        yield Measure(
            "sending, one process", number / ours_s, "recipients/s", number / bare_s, "a bare loop", 0.6, False
        )
        services.store.redis.flushall()


def _body(rows: list[str]) -> bytes:
    import orjson  # noqa: PLC0415

    return orjson.dumps(job(rows)["messages"])


def _post(services: Services, url: str, key: str) -> None:
    body = zlib.decompress(services.store.redis.get(key))
    answer = requests.post(
        url + "/api/v1/sendBulkViber",
        data=b'{"token":"' + _TOKEN.encode() + b'","messages":' + body + b"}",
        headers={"Content-Type": "application/json", "Connection": "close"},
    )
    services.store.redis.hset("bare:answers", key, answer.json()["uuid"])


def _timed(services: Services, campaign_id: str) -> float:
    """How long one process takes to send a whole campaign that is planned."""
    started = time.perf_counter()
    while services.campaigns.read(campaign_id).number("r:planned"):
        work(services, BULK)
    return time.perf_counter() - started


def measure_against_usual(server: EmbeddedServer, folder: Path, *, quick: bool) -> Iterator[Measure]:
    for latency_s, limit, name in ((0.0, 400, "at once"), (0.05, 600, "after 50 ms")):
        with sink(latency_s) as url:
            usual_rate = _usual_rate(server.url, url, folder, 100 if quick else 3000)
            ours_rate = _ours_rate(server.url, url, 16 if quick else 320)
        yield Measure(
            f"sending, sixteen threads, answers {name}",
            ours_rate,
            "recipients/s",
            usual_rate,
            "a task per recipient",
            limit,
            False,
        )


def _usual_rate(redis_url: str, gateway_url: str, folder: Path, number: int) -> float:
    env = {**os.environ, "USUAL_BROKER": redis_url, "USUAL_GATEWAY": gateway_url}
    command = [sys.executable, "-m", "celery", "--quiet", "--app", "tests.benchmarks.sending:usual", "worker"]
    with usual.connection_for_write(redis_url) as connection:
        for phone in phones(number):
            send_message.apply_async((phone, "hello"), connection=connection)  # type: ignore[call-arg]
        worker = Process(
            "usual",
            [
                *command,
                "--pool",
                "threads",
                "--concurrency",
                str(_THREADS),
                "--without-mingle",
                "--loglevel",
                "WARNING",
            ],
            env,
            folder,
        )
        try:
            redis = Redis.from_url(redis_url)
            rest = number
            while rest > number * 0.9:
                rest = redis.llen("celery")
                time.sleep(0.01)
            started, first = time.perf_counter(), rest
            while redis.llen("celery"):
                time.sleep(0.01)
            return first / (time.perf_counter() - started)
        finally:
            worker.stop()


def _ours_rate(redis_url: str, gateway_url: str, batches: int) -> float:
    services = services_for(redis_url, gateway_url, "against:")
    rows = phones(batches * 1000)
    campaign = enqueue(services, job(rows))
    started = time.perf_counter()
    with ThreadPoolExecutor(_THREADS) as pool:
        for done in [pool.submit(_timed, services, campaign.id) for _ in range(_THREADS)]:
            done.result()
    rate = len(rows) / (time.perf_counter() - started)
    services.store.redis.flushall()
    return rate
