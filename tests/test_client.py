"""The client: the public functions are methods of one, and each client has the store of its settings."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest

import campaigns
from campaigns import Client, UnknownCampaignError
from campaigns.client import OptOutList
from tests.support.jobs import phones, quick_job
from tests.support.stage import Stage


def test_each_client_works_with_the_store_of_its_settings(stage: Stage) -> None:
    settings = stage.services.settings
    one, other = (Client(replace(settings, key_prefix=f"{settings.key_prefix}{name}:")) for name in ("one", "other"))
    campaign = one.enqueue(quick_job(*phones(1)), key="welcome")
    assert [status.id for status in one.list_campaigns()] == [campaign.id]
    assert other.list_campaigns() == []
    assert one.campaign(campaign.id).status().total == 1
    assert one.preview(quick_job(*phones(1)), key="welcome").same_as == campaign.id
    one.optouts.add(phones(1), why="asked")
    assert (list(one.optouts.every()), list(other.optouts.every())) == (phones(1), [])


def test_what_a_client_does_for_a_person(stage: Stage) -> None:
    client = Client.over(stage.services)
    campaign = client.enqueue(quick_job(*phones(1)))
    stage.finish(campaign)
    (history,) = client.find_person(phones(1)[0])
    assert history.campaign_id == campaign.id
    assert client.erase(phones(1)[0]).deliveries == 1


@pytest.mark.parametrize(
    "read", ["status", "deliveries", "replies", "results", "opted_out", "excluded", "cancel", "poll"]
)
def test_a_campaign_that_is_unknown_has_no_results_either(stage: Stage, read: str) -> None:
    """A misspelt id must not read as "nobody replied"."""
    with pytest.raises(UnknownCampaignError):
        getattr(Client.over(stage.services).campaign("zzz"), read)()


def test_public_functions_are_methods_of_a_client() -> None:
    for name in (
        "enqueue",
        "enqueue_many",
        "preview",
        "send_test",
        "list_campaigns",
        "find_person",
        "find_message",
        "erase",
    ):
        public = getattr(campaigns, name)
        assert public.__doc__
        assert "services" not in inspect.signature(public).parameters


def test_help_on_the_client_shows_methods() -> None:
    for owner, names in ((Client, ("enqueue", "preview", "erase")), (OptOutList, ("add", "remove", "details"))):
        for name in names:
            first, *others = inspect.signature(getattr(owner, name)).parameters
            assert (first, "services" in others) == ("self", False)
