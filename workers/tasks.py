"""The tasks. Each calls a function of `campaigns`, and has no logic of its own."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import Reject

from campaigns import names
from campaigns.broker.envelopes import Envelope
from campaigns.errors import PlanUnderWayError, StoreError
from campaigns.flow.scheduling.work import work as work_at
from campaigns.services import Services
from campaigns.submission import take_in
from campaigns.wiring import UNATTENDED, default_services
from workers.app import app
from workers.crashes import drop_locals


def _services() -> Services:
    """The services of this worker, whose commands outlast a restart of the store."""
    return default_services(UNATTENDED)


@app.task(name=names.SUBMIT, Request="workers.door:Request")
def submit(packed: dict[str, Any]) -> None:
    """Enqueue a job that came as JSON, from any language. `packed` is the message whole: see `workers.door`.

    Until a worker has stored it, the job is only as safe as the broker is; `campaigns.enqueue` stores first.
    """
    try:
        take_in(_services(), Envelope.unpacked(packed))
    except (StoreError, PlanUnderWayError) as error:
        raise Reject(type(error).__name__, requeue=True) from None


@app.task(name=names.WORK, bind=True)
def work(self: Task[Any, Any], queue: str) -> None:
    """A bell: do what is due in a queue, for about two seconds."""
    try:
        work_at(_services(), queue, worker=str(self.request.hostname))
    except Exception as error:
        drop_locals(error)
        raise
