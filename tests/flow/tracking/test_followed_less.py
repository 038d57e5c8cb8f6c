"""A job says how far its messages are followed, and whether its replies matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from campaigns.errors import JobError, KeyConflictError
from campaigns.flow.scheduling.work import work
from campaigns.ledger.message_ids import known_at_gateway
from campaigns.names import QUICK
from tests.support.jobs import bulk_job, list_job, phones, quick_job
from tests.support.stage import Stage

#: Their owners reply, and one of them asks for no more: see the sandbox's phones.
REPLIES, STOPS = "375297779909", "375297779908"


def requests(stage: Stage) -> Counter[str]:
    """How often each method of the gateway was called."""
    return Counter(stage.sandbox.summary()["requests"])


class TestUntilDelivered:
    def test_it_ends_with_the_delivery(self, make_stage: Callable[..., Stage]) -> None:
        """The job does not ask whether messages are read, so no poll follows."""
        stage = make_stage(poll_horizon_s=600.0)
        campaign = stage.enqueue({**bulk_job(phones(3)), "follow": "delivered"})
        stage.finish(campaign)
        status = campaign.status()
        assert set(status.statuses) <= {"DELIVERED", "READ"}
        assert (status.final, status.awaiting) == (3, 0)
        assert status.balanced


class TestNotAtAll:
    def test_a_quick_message_costs_its_one_request(self, stage: Stage) -> None:
        campaign = stage.enqueue({**quick_job("375291000001"), "follow": "none", "replies": False})
        stage.finish(campaign)
        assert set(requests(stage)) == {"sendQuickViberMessage"}
        assert campaign.status().recipients["settled"] == 1
        assert campaign.status().balanced

    @pytest.mark.parametrize("replies", [True, False])
    def test_a_quick_message_is_over_with_its_acceptance(self, stage: Stage, replies: bool) -> None:
        """Its worker settles it with the record of what the gateway said; replies are fetched all the same."""
        campaign = stage.enqueue({**quick_job(REPLIES), "follow": "none", "replies": replies})
        assert work(stage.services, QUICK, overlap=1) == 1
        status = campaign.status()
        assert (status.state, status.recipients["settled"], status.balanced) == ("finished", 1, True)
        for _ in range(3):
            stage.sweep()
            stage.step()
        if replies:
            stage.until(lambda: requests(stage)["getNewIncomingMessages"] > 0)
        assert (requests(stage)["getNewIncomingMessages"] > 0) is replies

    def test_a_bulk_mailing_is_polled_until_its_id_is_known(self, stage: Stage) -> None:
        """Without it a doubt about another batch could take this one for it."""
        campaign = stage.enqueue({**bulk_job(phones(3)), "follow": "none", "replies": False})
        stage.finish(campaign)
        assert known_at_gateway(stage.services.batches.read(f"{campaign.id}-0"))
        assert requests(stage)["statusBulkViber"] <= 2
        assert campaign.status().recipients["settled"] == 3

    def test_a_mailing_that_is_refused_later_is_rejected_all_the_same(self, stage: Stage) -> None:
        job = bulk_job(phones(2))
        job["messages"][0]["content"] = {"type": "image", "image_url": "https://example.com/wrong-size.jpg"}
        campaign = stage.enqueue({**job, "follow": "none"})
        stage.finish(campaign)
        assert campaign.status().recipients["rejected"] == 2

    def test_a_list_mailing(self, stage: Stage) -> None:
        campaign = stage.enqueue({**list_job(1), "follow": "none", "replies": False})
        stage.finish(campaign)
        assert campaign.status().balanced
        assert requests(stage)["getViberDeliveryList"] == 0


class TestReplies:
    @pytest.mark.parametrize("wanted", [True, False])
    def test_they_are_fetched_if_they_matter(self, stage: Stage, wanted: bool) -> None:
        campaign = stage.enqueue({**bulk_job([REPLIES, STOPS]), "replies": wanted})
        stage.finish(campaign)
        for _ in range(3):
            stage.sweep()
            stage.step()
        if wanted:
            stage.until(lambda: STOPS in stage.services.optouts)
        assert (requests(stage)["getNewIncomingMessages"] > 0) is wanted
        assert (STOPS in stage.services.optouts) is wanted


@pytest.mark.parametrize("job", [bulk_job(phones(1)), quick_job("375291000001"), list_job(1)])
def test_every_kind_of_job_takes_both(stage: Stage, job: dict[str, Any]) -> None:
    with pytest.raises(JobError) as caught:
        stage.enqueue({**job, "follow": "seen", "replies": "maybe"})
    assert caught.value.errors == {
        "follow": ["must be one of read, delivered, none"],
        "replies": ["must be true or false, or 1 or 0"],
    }


def test_another_choice_makes_another_job_of_a_key(stage: Stage) -> None:
    stage.enqueue(quick_job("375291000001"), key="k")
    with pytest.raises(KeyConflictError):
        stage.enqueue({**quick_job("375291000001"), "follow": "none"}, key="k")
