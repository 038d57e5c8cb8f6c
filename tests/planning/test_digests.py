"""Digests of jobs stand in stores beside their keys: a later version must compute the same for the same job."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.jobs.checking import load_job
from campaigns.planning.planner import Planner
from campaigns.settings import Settings
from tests.support.jobs import bulk_job, list_job, personal_job, phones, quick_job, sample_job, template_job

SETTINGS = Settings()
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def mailings(*lists: Iterable[Any], **more: Any) -> dict[str, Any]:
    """A bulk job with a mailing for each list of recipients."""
    messages = [bulk_job([], text=f"text {number}")["messages"][0] for number in range(len(lists))]
    for number, (mailing, rows) in enumerate(zip(messages, lists, strict=True)):
        mailing |= {"name": f"m{number}", "delivery_list": rows}
    return {"messages": messages, **more}


def digest(job: Any) -> str:
    planner = Planner(
        load_job(job, settings=SETTINGS, now=NOW),
        recipients_per_request=1000,
        region="BY",
        timezone=SETTINGS.gateway_timezone,
        opted_out=lambda _: (),
    )
    assert sum(1 for _ in planner.steps())
    return planner.digest


FEW = (phones(6), phones(6, start=50))
#: The third is the smallest, so that the canary begins with it; the first two are longer than what is read at a time.
MANY = (phones(2500), phones(1200, start=5000), [*phones(3, start=9000), "nobody"])
ROWS = [{"phone": phone, "text": f"text {phone}"} for phone in phones(3)]
VALUES = [{"phone": phone, "values": {"name": f"name {phone}"}} for phone in phones(3)]

JOBS: dict[str, tuple[Any, str]] = {
    "bulk": (bulk_job(phones(6)), "711f2d9d5432856b952e772e5577b22f"),
    "bulk, long": (bulk_job(phones(2500)), "4275d25699057b61df07391afd8d1cf7"),
    "bulk with a canary": (bulk_job(phones(6), canary=4), "bf653fc44540dc1fd2b766f3321d3cd2"),
    "personal": (personal_job(ROWS), "72e1aa2393d0e2012016f31c82427ce5"),
    "template with a canary": (template_job(VALUES, "hello {name}", canary=1), "27bc706e01fc475b1f18ca54cd08faf3"),
    "sample": (sample_job(), "179e4f9f4110972bfba53543772d0073"),
    "mailings": (mailings(*FEW), "f99d5e819158b7736b5d3d96d190b5ac"),
    "mailings with a canary": (mailings(*FEW, canary=4), "6f092d5cbee6100defcc00fdd836452b"),
    "long mailings": (mailings(*MANY), "29a7a1f345a15f62d80c465c0834fb82"),
    "long mailings with a canary": (mailings(*MANY, canary=600), "657132102fc8b1c5fe3a415b6a2fedb5"),
    "quick": (quick_job(*phones(2)), "6c8039e47b2534e7b4ec863c5ef37f0c"),
    "quick with a canary": (quick_job(*phones(3), canary=1), "a594bacfefb177ab686dba6a72d498e0"),
    "list": (list_job(3), "e7dc70941b9ad0fbad58eef8ec4968a8"),
}


@pytest.mark.parametrize("name", JOBS)
def test_they_stay_what_they_are(name: str) -> None:
    job, expected = JOBS[name]
    assert digest(job) == expected


def test_a_stream_has_that_of_its_rows() -> None:
    """Also where the canary reads each of several streams before the others."""
    assert digest(mailings(*map(iter, MANY), canary=600)) == JOBS["long mailings with a canary"][1]
    assert digest(mailings(*map(iter, MANY))) == JOBS["long mailings"][1]
