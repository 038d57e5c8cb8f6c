"""The tasks. Each opens the door to a function of `campaigns.flow`; none keeps anything of its own."""

from __future__ import annotations

import time
from typing import Any

from celery import Task
from celery.exceptions import Reject

from campaigns import names
from campaigns.envelopes import Envelope
from campaigns.errors import PlanUnderWayError, StoreError
from campaigns.flow.dispatch import dispatch as dispatch_due
from campaigns.flow.poll import poll_while_due
from campaigns.flow.reconcile import reconcile_batch as reconcile
from campaigns.flow.replies import fetch_while_due
from campaigns.flow.send import send_while_due
from campaigns.flow.services import Services
from campaigns.flow.submit import take_in
from campaigns.flow.sweep import sweep as sweep_all
from campaigns.wiring import PATIENT, default_services
from workers.app import app


def _services() -> Services:
    """Those of this worker, which ride out a restart of the store."""
    return default_services(PATIENT)


@app.task(name=names.SUBMIT, Request="workers.door:Request")
def submit(packed: dict[str, Any]) -> None:
    """Enqueue a job that came as JSON, from any language. `packed` is the message whole: see `workers.door`.

    Until a worker has stored it, the job is only as safe as the broker is; `campaigns.enqueue` stores first.
    """
    try:
        take_in(_services(), Envelope.unpacked(packed))
    except (StoreError, PlanUnderWayError) as error:
        raise Reject(type(error).__name__, requeue=True) from None


@app.task(name=names.DISPATCH, bind=True)
def dispatch(self: Task[Any, Any]) -> None:
    """Wake workers for everything that is due."""
    dispatch_due(_services(), str((self.request.headers or {}).get("beat") or ""))


@app.task(name=names.SWEEP)
def sweep() -> None:
    """Find what is due and stands nowhere."""
    sweep_all(_services())


@app.task(name=names.SEND_BATCH)
def send_batch(batch_id: str) -> None:
    """Send a batch, then others that are due in its queue."""
    send_while_due(_services(), batch_id, time.monotonic)


@app.task(name=names.RECONCILE_BATCH)
def reconcile_batch(batch_id: str) -> None:
    """Look for evidence of a request in doubt."""
    reconcile(_services(), batch_id)


@app.task(name=names.POLL_BATCH)
def poll_batch(batch_id: str) -> None:
    """Ask what became of a batch, then of others that are due."""
    poll_while_due(_services(), batch_id, time.monotonic)


@app.task(name=names.FETCH_REPLIES)
def fetch_replies(batch_id: str) -> None:
    """Fetch, store and mark the replies to a batch, then to others that are due."""
    fetch_while_due(_services(), batch_id, time.monotonic)
