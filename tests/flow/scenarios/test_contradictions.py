"""Answers that contradict themselves, and refusals that sound like others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from campaigns.errors import (
    ContentRefusedError,
    JobError,
    OutcomeUnknownError,
)
from campaigns.gateway import Gateway
from campaigns.gateway.meaning import Answer, interpret
from tests.support.doubt import ask_through
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.reads import fetch_batch
from tests.support.stage import Stage


def says(method: str, document: Any, status: int = 200) -> Any:
    return interpret(Answer(method, status, None, orjson.dumps(document)))


@pytest.mark.parametrize(
    "document",
    [
        {"uuid": "cc9c8043-8caf-11ef-b035-9e8f47954dec", "success": "OK", "error": "callback url is not reachable"},
        {
            "uuid": "cc9c8043-8caf-11ef-b035-9e8f47954dec",
            "success": "OK",
            "status": "error",
            "message": "mailing 2: bad",
        },
    ],
)
def test_a_uuid_beside_an_error(document: Any) -> None:
    """As far as we know the gateway accepted it: never 'certainly not sent'."""
    with contextlib.suppress(OutcomeUnknownError):
        says("sendBulkViber", document)


def test_a_message_id_beside_an_error() -> None:
    with contextlib.suppress(OutcomeUnknownError):
        says("sendQuickViberMessage", {"status": "OK", "result": {"message_id": 8484}, "error": "forwarding is off"})


@pytest.mark.parametrize("uuid", ["", " "])
def test_an_empty_uuid(uuid: str) -> None:
    with pytest.raises(OutcomeUnknownError):
        says("sendBulkViber", {"uuid": uuid, "success": "OK"})


@pytest.mark.parametrize(
    "text",
    [
        "Изображение недоступно по ссылке",
        "Имя отправителя отключено",
        "Превышен лимит символов в тексте",
        "Text length limit exceeded",
        "Добавьте ключевое слово",
        "Кнопка исключена",
        "Invalid tokenized link",
    ],
)
def test_words_about_content(text: str) -> None:
    with pytest.raises(ContentRefusedError):
        says("sendQuickViberMessage", {"error": text})


def test_one_bad_content_stops_the_account(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(account_pause_s=0.5)
    stage.sandbox.fault("refuse", "sendQuickViberMessage", times=None, text="Изображение недоступно по ссылке")
    bad = stage.enqueue(quick_job(phones(1)[0]))
    stage.until(lambda: bad.status().state == "finished", 5)


def test_newline_in_a_phone(stage: Stage) -> None:
    a, b = phones(2)
    try:
        campaign = stage.enqueue(bulk_job([f"{a}\n{b}"]))
    except JobError:
        return
    assert campaign.status().recipients["invalid"] == 1


def test_replies_of_the_second_mailing(stage: Stage) -> None:
    """The first mailing's replies cannot be had; the second's are fetched all the same."""
    job = bulk_job(phones(2))
    job["messages"].append({**bulk_job(phones(2, start=10), text="two")["messages"][0], "name": "second"})
    campaign = stage.enqueue(job)
    stage.until(lambda: len(stage.services.batches.read(f"{campaign.id}-0").message_ids) == 2)
    first, second = stage.services.batches.read(f"{campaign.id}-0").message_ids.values()
    stage.sandbox.reply(phones(1, start=10)[0], "yes", second)

    class Refusing(Gateway):
        def get_new_incoming_messages(self, message_id: int) -> Any:
            if message_id == first:
                raise ContentRefusedError("getNewIncomingMessages", "refused", http_status=200)
            return super().get_new_incoming_messages(message_id)

    ask_through(stage, Refusing)
    stage.finish(campaign)
    for _ in range(5):
        fetch_batch(stage.services, f"{campaign.id}-0")
    assert [r.message for r in campaign.replies()] == ["yes"]


class CountsTooFew(Gateway):
    """The list grows between the draft and its payment."""

    def send_viber_message_list(self, *args: Any, **options: Any) -> Any:
        made = super().send_viber_message_list(*args, **options)
        return made._replace(count_subscribers=made.count_subscribers - 2)


@pytest.mark.clear_listing
def test_a_list_that_reaches_more_people_than_was_announced(stage: Stage) -> None:
    """Every recipient who got the message is counted, and the recipients add up all the time."""
    ask_through(stage, CountsTooFew)
    campaign = stage.enqueue(list_job(1))

    def over() -> bool:
        status = campaign.status()
        assert status.balanced
        return status.state == "finished"

    stage.until(over)
    status = campaign.status()
    assert (status.total, status.recipients["settled"], status.statuses) == (4, 4, {"READ": 4})
