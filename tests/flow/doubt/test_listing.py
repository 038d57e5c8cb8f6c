"""What a listing may not be taken for: absence is proven by a younger batch, and by nothing that was not understood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.answers.rows import DeliveryRows
from campaigns.answers.values import Rows
from campaigns.flow.doubt.reconcile import reconcile_batch
from campaigns.gateway import Gateway
from tests.support.claims import send
from tests.support.doubt import ask_through, in_doubt, most_copies, run_to_its_end, send_younger
from tests.support.jobs import bulk_job, personal_job, phones, quick_job
from tests.support.reads import Read
from tests.support.stage import Stage

RESEND = {"on_unknown": "resend"}


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage(settle_window_s=0.3, check_interval_s=0.1)


def changed(rows: list[dict[str, Any]]) -> Read:
    """An answer of getViberDeliveryList with other rows."""
    return Read(DeliveryRows(rows), "changed")


def rows_of(polled: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in polled.data.raw]


class Masked(Gateway):
    def get_viber_delivery_list(self, message_id: int) -> Any:
        rows = rows_of(super().get_viber_delivery_list(message_id))
        return changed([{**row, "phone": str(row["phone"])[:5] + "***" + str(row["phone"])[-4:]} for row in rows])


class Cut(Gateway):
    def get_viber_delivery_list(self, message_id: int) -> Any:
        rows = rows_of(super().get_viber_delivery_list(message_id))
        return changed([{**row, "phone": str(row["phone"])[-4:]} for row in rows])


class OthersToo(Gateway):
    """Shows one phone more than the request had."""

    def get_viber_delivery_list(self, message_id: int) -> Any:
        rows = rows_of(super().get_viber_delivery_list(message_id))
        return changed([*rows, {**rows[0], "phone": "375299999999"}])


class UnknownPhones(Gateway):
    """Shows other phones altogether."""

    def get_viber_delivery_list(self, message_id: int) -> Any:
        rows = rows_of(super().get_viber_delivery_list(message_id))
        return changed([{**row, "phone": f"37533{n:07d}"} for n, row in enumerate(rows)])


class OneRowUnreadable(Gateway):
    def get_viber_delivery_list(self, message_id: int) -> Any:
        rows = rows_of(super().get_viber_delivery_list(message_id))
        return changed([None, *rows[1:]])  # type: ignore[list-item]


class Nameless(Gateway):
    """Shows neither kind nor text nor time of a mailing."""

    def get_viber_messages(self, **options: Any) -> Any:
        rows = super().get_viber_messages(**options)
        return [
            row._replace(message_type="", message="", created_at="") if row.message == "hello" else row for row in rows
        ]


class Unreadable(Gateway):
    """A row of the listing cannot be read."""

    def get_viber_messages(self, **options: Any) -> Any:
        rows = super().get_viber_messages(**options)
        left = Rows(row for row in rows if row.message != "hello")
        left.unreadable = len(rows) - len(left)
        return left


class Shortened(Gateway):
    """Shows the beginning of texts, and phones that nobody asked for."""

    def get_viber_messages(self, **options: Any) -> Any:
        return [row._replace(message=row.message[:3]) for row in super().get_viber_messages(**options)]


ONLY_OURS = (OthersToo, UnknownPhones, OneRowUnreadable)


@pytest.mark.parametrize(
    "kind", [Masked, Cut, OthersToo, UnknownPhones, OneRowUnreadable, Nameless, Unreadable, Shortened]
)
def test_what_is_not_understood_is_neither_evidence_nor_absence(stage: Stage, kind: type[Gateway]) -> None:
    """The request arrived; the listing shows something like it. It is found or held, and never sent again."""
    campaign = in_doubt(stage, "reset_after", bulk_job(phones(3), **RESEND))
    calibrating = send_younger(stage)
    (own,) = stage.services.batches.read(f"{calibrating.id}-0").message_ids.values()

    class Only(kind):  # type: ignore[misc, valid-type]
        """The younger batch is shown as it is, so that all else is as good as it can be."""

        def get_viber_delivery_list(self, message_id: int) -> Any:
            return (
                Gateway.get_viber_delivery_list(self, message_id)
                if message_id == own
                else super().get_viber_delivery_list(message_id)
            )

    ask_through(stage, Only)
    run_to_its_end(stage, campaign)
    assert most_copies(stage) == 1
    held, statuses = campaign.status().recipients["held"], campaign.status().statuses
    assert held == 3 or statuses == {"READ": 3}


def test_an_older_batch_does_not_show_that_the_listing_is_up_to_date(stage: Stage) -> None:
    """The listing lags: it shows what was sent before the request in doubt, and nothing since."""
    known = stage.enqueue(bulk_job(phones(2, start=50), text="known"))
    stage.finish(known)
    listed = {mailing.message_id for mailing in stage.sandbox.service.state.mailings.values()}
    campaign = in_doubt(stage, "reset_after", bulk_job(phones(3), **RESEND))

    class Lagging(Gateway):
        def get_viber_messages(self, **options: Any) -> Any:
            return [row for row in super().get_viber_messages(**options) if row.message_id in listed]

    ask_through(stage, Lagging)
    run_to_its_end(stage, campaign)
    assert campaign.status().recipients["held"] == 3
    assert most_copies(stage) == 1


def test_a_younger_batch_whose_phones_are_masked_proves_nothing(stage: Stage) -> None:
    """Not even where the request in doubt never arrived: no check could show it."""
    campaign = in_doubt(stage, "reset_before", bulk_job(phones(3), **RESEND))
    send_younger(stage)
    ask_through(stage, Masked)
    run_to_its_end(stage, campaign)
    assert campaign.status().recipients["held"] == 3


@pytest.mark.clear_listing
def test_a_younger_batch_in_the_listing_proves_absence(stage: Stage) -> None:
    campaign = in_doubt(stage, "reset_before", bulk_job(phones(3), **RESEND))
    send_younger(stage)
    run_to_its_end(stage, campaign)
    assert campaign.status().statuses == {"READ": 3}
    assert most_copies(stage) == 1


def test_the_same_content_without_phones_is_suspicious(stage: Stage) -> None:
    """Somebody else on the account sends the same text to other people: held, whatever the phones."""
    campaign = in_doubt(stage, "reset_before", bulk_job(phones(3), **RESEND))
    send_younger(stage)
    stage.services.gateway("default").send_quick_viber_message(
        {"vibername_id": "7", "phone": phones(1, start=900)[0], "message": "hello"}
    )
    run_to_its_end(stage, campaign)
    assert campaign.status().recipients["held"] == 3


@pytest.mark.clear_listing
def test_foreign_mailings_do_not_stand_in_the_way(stage: Stage) -> None:
    """Other texts to other people, however many: the absence of ours is proven."""
    campaign = in_doubt(stage, "reset_before", bulk_job(phones(3), **RESEND))
    for n in range(30):
        stage.services.gateway("default").send_quick_viber_message(
            {"vibername_id": "7", "phone": phones(1, start=900 + n)[0], "message": f"code {n}"}
        )
    send_younger(stage)
    run_to_its_end(stage, campaign)
    assert campaign.status().statuses == {"READ": 3}


@pytest.mark.clear_listing
def test_a_personal_mailing_beside_foreign_texts(make_stage: Callable[..., Stage]) -> None:
    """Its texts are not listed, so each foreign one is opened, once."""
    stage = make_stage(settle_window_s=2.0, check_interval_s=0.1)
    job = personal_job([{"phone": phone, "text": f"for {phone}"} for phone in phones(2)], **RESEND)
    campaign = in_doubt(stage, "reset_before", job)
    for n in range(50):
        stage.services.gateway("default").send_quick_viber_message(
            {"vibername_id": "7", "phone": phones(1, start=900 + n)[0], "message": f"code {n}"}
        )
    send_younger(stage)
    stage.until(lambda: campaign.status().sent == 2)
    assert stage.sandbox.summary()["requests"]["getViberDeliveryList"] <= 50 + 2 * 30
    assert most_copies(stage) == 1


def test_a_mailing_is_evidence_for_one_batch_only(stage: Stage) -> None:
    """Another batch has taken the listed mailing for its own meanwhile."""
    campaign = in_doubt(stage, "reset_after", bulk_job(phones(3)))
    batch = stage.services.batches.read(f"{campaign.id}-0")
    other = stage.enqueue(bulk_job(phones(1, start=70), text="other"))
    taker = stage.services.batches.read(f"{other.id}-0")

    class Meanwhile(Gateway):
        def get_viber_delivery_list(self, message_id: int) -> Any:
            stage.services.batches.own(taker, {0: message_id}, 60_000)
            return super().get_viber_delivery_list(message_id)

    ask_through(stage, Meanwhile)
    reconcile_batch(stage.services, batch.id)
    assert stage.services.batches.read(batch.id).state == "unknown"


@pytest.mark.clear_listing
def test_a_quick_message_is_told_from_others_to_other_phones(stage: Stage) -> None:
    campaign = in_doubt(stage, "reset_before", quick_job(*phones(1), **RESEND), "sendQuickViberMessage")
    later = stage.enqueue(quick_job(*phones(1, start=60), message="younger"))
    send(stage.services, f"{later.id}-0")
    run_to_its_end(stage, campaign)
    assert campaign.status().statuses == {"READ": 1}
    assert most_copies(stage) == 1
