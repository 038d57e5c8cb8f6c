"""`campaigns results`, the mailings in `campaigns status`, and `campaigns optouts list --campaign`."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable

import pytest

from campaigns.campaign import Campaign
from tests.cli.conftest import Run
from tests.evaluation.conftest import mailing, phone
from tests.support.stage import Stage

STOP = phone(7, "9908")


@pytest.fixture
def campaign(make_stage: Callable[..., Stage]) -> Campaign:
    """Two mailings: all twenty of one are delivered, one of the other opts out."""
    many = [phone(n) for n in range(20)]
    job = {"name": "Spring", "messages": [mailing("=A", many), mailing("B", [STOP, phone(8, "9904")])]}
    stage = make_stage(optout_words=frozenset({"STOP"}))
    campaign = stage.enqueue(job)
    stage.until(lambda: campaign.status().statuses.get("READ") == 21 and bool(campaign.replies()))
    return campaign


def table(run: Run, campaign: Campaign, *options: str, separator: str) -> list[dict[str, str]]:
    output = run("results", campaign.id, *options).stdout_bytes.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(output, newline=""), delimiter=separator))


def test_every_way_to_see_them(run: Run, campaign: Campaign) -> None:
    """One campaign, since it takes a second."""
    shown = run("results", campaign.id).stdout
    assert "“=A” was read by 100.0% of those who got it, “B” by 50.0%." in shown
    assert "1 person opted out by a reply and gets no more messages." in shown
    assert "This is due to the texts only if the recipients were divided" in shown
    assert "Some messages have no outcome yet" not in shown
    heads = [line for line in shown.splitlines() if line.lstrip().startswith("sent ")]
    assert len(heads) == 2
    assert heads[0] == heads[1]
    assert shown.splitlines()[-1] in run("status", campaign.id).stdout

    found = json.loads(run("results", campaign.id, "--json").stdout)
    assert [(m["name"], m["read"], m["opted_out"]) for m in found["mailings"]] == [("=A", 20, 0), ("B", 1, 1)]

    for options, separator, point in ((["--csv"], ",", "."), (["--excel"], ";", ",")):
        first, second = table(run, campaign, *options, separator=separator)
        assert (first["mailing"], first["read"], second["opted_out"]) == ("'=A", "20", "1")
        assert (first["cost"], first["currency"], first["cost_per_read"]) == (f"0{point}98", "EUR", f"0{point}049")
        assert second["read_share"] == f"0{point}5000"
    in_russian, _ = table(run, campaign, "--excel", "--language", "ru", separator=";")
    assert (in_russian["рассылка"], in_russian["прочитано"], in_russian["стоимость"]) == ("'=A", "20", "0,98")
    assert [name for name in in_russian if re.search("[a-z]", name)] == ["назначена на (Europe/Minsk)"]
    for options in (["--language", "ru"], ["--json", "--language", "ru"]):
        assert run("results", campaign.id, *options).exit_code == 2

    assert run("optouts", "list", "--campaign", campaign.id).stdout == f"{STOP}\n"
    listed = json.loads(run("optouts", "list", "--campaign", campaign.id, "--json").stdout)
    assert (listed["phone"], listed["mailing"], listed["by"]) == (STOP, "B", "recipient")
    assert run("results", campaign.id, "--csv", "--json").exit_code == 2
    assert run("results", "nope").exit_code == 4
