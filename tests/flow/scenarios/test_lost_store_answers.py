"""A job that the store has stored although the producer never got the answer: it is sent once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from campaigns.enqueue import enqueue
from campaigns.errors import StoreError
from campaigns.services import Services
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.keys import Keys
from campaigns.wiring import build_services, connect
from tests.support.doubt import most_copies
from tests.support.jobs import bulk_job, phones
from tests.support.stage import Stage


def job_for(script: str) -> dict[str, Any]:
    """A job that `script` stores: at once, or bit by bit where its recipients come as a stream."""
    job = bulk_job(phones(3))
    if script == "finish_plan":
        job["messages"][0]["delivery_list"] = iter(phones(3))
    return job


def producer(stage: Stage, store: type[Store], *options: Any) -> Services:
    """The services of another process, with a store of this kind; its bells are lost."""
    settings = stage.services.settings
    kept = store(connect(settings), Keys(settings.key_prefix))
    for name, value in zip(("script", "meanwhile"), options, strict=False):
        setattr(kept, name, value)
    return build_services(settings, store=kept, ring=lambda *_: True)


class LosesOneAnswer(Store):
    """Its client gives up on the first call of `script`, which ran all the same; `meanwhile` comes before that."""

    script: str
    meanwhile: Callable[[], None]
    lost = False

    def run_all_safely(self, calls: Sequence[Any]) -> Any:
        answers = super().run_all_safely(calls)
        if not self.lost and self.script in {name for name, *_ in calls}:
            self.lost = True
            self.meanwhile()
            raise StoreError(f"{self.script}: TimeoutError")
        return answers


class FailsToReadAfterwards(Store):
    """Cannot read a hash once a job is stored."""

    stored = False

    def run_all_safely(self, calls: Sequence[Any]) -> Any:
        answers = super().run_all_safely(calls)
        self.stored = True
        return answers

    def ask(self, method: Any, *args: Any, **named: Any) -> Any:
        if self.stored and method == Redis.hgetall:
            raise StoreError("hgetall: ConnectionError")
        return super().ask(method, *args, **named)


@pytest.mark.parametrize("script", ["store_campaigns", "finish_plan"])
@pytest.mark.parametrize("workers_go_on", [True, False])
def test_the_same_key_brings_the_same_campaign(stage: Stage, script: str, workers_go_on: bool) -> None:
    """Also where workers send the campaign while the producer's client repeats its call."""
    sent: list[int] = []

    def meanwhile() -> None:
        for _ in range(3 * workers_go_on):
            stage.step()
        sent.append(len(stage.sandbox.ledger()))

    services = producer(stage, LosesOneAnswer, script, meanwhile)
    enqueue(services, job_for(script), key="k")
    assert sent == [3 if workers_go_on else 0]
    again = stage.enqueue(bulk_job(phones(3)), key="k")
    stage.finish(again)
    assert again.status().sent == 3
    assert most_copies(stage) == 1


@pytest.mark.parametrize("script", ["store_campaigns", "finish_plan"])
def test_an_error_after_the_job_is_stored(stage: Stage, script: str) -> None:
    """Enqueueing has succeeded, and workers find the campaign by its due time."""
    enqueue(producer(stage, FailsToReadAfterwards), job_for(script))
    for _ in range(5):
        stage.step()
    assert most_copies(stage) == 1
