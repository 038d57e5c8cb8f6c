"""No script does more for a larger campaign: the server carries out one after the other, and others wait."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha1
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from campaigns.campaign import Campaign
from campaigns.flow.scheduling.sweep import sweep
from campaigns.flow.scheduling.work import work
from campaigns.ledger.states import READY
from campaigns.names import QUICK
from campaigns.store import lua
from campaigns.store.client import ScriptCall, Store
from campaigns.store.lua import script_text
from campaigns.wiring import build_services
from tests.support.jobs import phones, quick_job
from tests.support.stage import Stage

#: Many times what a turn claims at once.
SMALL, LARGE = 300, 1200


class Watched:
    """What MONITOR shows while it is open: how many commands one call of each script made at most."""

    def __init__(self, url: str) -> None:
        self.most: Counter[str] = Counter()
        self._redis = Redis.from_url(url)
        self._monitor = self._redis.monitor()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Watched:
        self._monitor.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._redis.echo("enough")
        self._thread.join()
        self._monitor.__exit__(None, None, None)
        self._redis.close()

    def _read(self) -> None:
        script, number = "", 0
        while (entry := self._monitor.next_command())["command"] != "ECHO enough":
            if entry["client_type"] == "lua":
                number += 1
                self.most[script] = max(self.most[script], number)
            elif entry["command"].startswith("EVALSHA "):
                script, number = entry["command"].split()[1], 0


def names() -> dict[str, str]:
    """The digest by which the server knows a script → its name."""
    folder = Path(lua.__file__).parent
    return {sha1(script_text(path.stem).encode()).hexdigest(): path.stem for path in folder.glob("*.lua")}


def lived(stage: Stage, number: int) -> Campaign:
    """A campaign of single messages: enqueued, sent in part, paused, resumed, read, swept, cancelled."""
    campaign = stage.enqueue(quick_job(*phones(number)))
    assert campaign.status().state == READY
    seconds = count(step=0.4)
    work(stage.services, QUICK, monotonic=lambda: next(seconds))  # five steps of a turn, however fast the machine is
    campaign.pause()
    campaign.resume()
    assert sum(1 for _ in campaign.deliveries()) == number
    sweep(stage.services)
    assert campaign.cancel().balanced
    return campaign


def most_commands(stage: Stage, number: int) -> dict[str, int]:
    """Of each script, by its name, what one call of it did at most while such a campaign lived."""
    with Watched(stage.services.settings.redis_url) as watched:
        campaign = lived(stage, number)
    sent = campaign.status().recipients["accepted"]
    assert 0 < sent < number
    known = names()
    return {known[digest]: most for digest, most in watched.most.items()}


class Counting(Store):
    """Counts its round trips."""

    trips = 0

    def _carry_out(self, calls: Sequence[ScriptCall], *, wait: bool) -> tuple[list[Any], int]:
        self.trips += 1
        return super()._carry_out(calls, wait=wait)

    def run(self, name: str, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        self.trips += 1
        return super().run(name, keys, args)


def test_cancelling_takes_no_round_trip_a_batch(stage: Stage) -> None:
    """The caller waits for the cancel, and all others for the server."""
    campaign = stage.enqueue(quick_job(*phones(LARGE)))
    store = Counting(stage.services.store.redis, stage.services.store.keys)
    services = build_services(stage.services.settings, store=store, ring=stage.services.ring)
    status = Campaign.of(services, campaign.id).cancel()
    assert (status.state, status.recipients["cancelled"]) == ("cancelled", LARGE)
    assert store.trips < LARGE / 25


@pytest.mark.timeout(300)
def test_no_script_grows_with_its_campaign(make_stage: Callable[..., Stage]) -> None:
    small = most_commands(make_stage(poll_min_s=60.0), SMALL)
    large = most_commands(make_stage(poll_min_s=60.0), LARGE)
    assert {"add_batch", "finish_plan", "take_sends", "set_campaign_state", "move_batch", "put_due"} <= small.keys()
    # How many of what is due a turn takes at once depends on how fast it goes.
    assert {name: most for name, most in large.items() if most > 2 * small.get(name, most) + 10} == {}
