"""The month itself: a day's traffic in steps, everything that is due between them, and a count at midnight."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from campaigns.enqueue import enqueue
from campaigns.enqueue_many import enqueue_many
from campaigns.events import Consumer
from campaigns.flow.scheduling.control import control_taken
from campaigns.flow.scheduling.dispatch import dispatch
from campaigns.flow.scheduling.reads import read_taken
from campaigns.flow.scheduling.sweep import SWEEP_ENTRY, sweep
from campaigns.flow.sending.send import give_back, send_taken
from campaigns.flow.turn import WorkerTurn
from campaigns.gateway import Gateway
from campaigns.gateway.noting import Notes
from campaigns.names import BULK, CONTROL, POLL, QUICK, REPLIES
from campaigns.services import Services
from campaigns.settings import Rate, Secret, Settings
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.keys import Keys
from campaigns.wiring import build_services, connect
from tests.rig.month import census
from tests.rig.month.books import Books, enter_all
from tests.rig.month.clock import SimulatedClock
from tests.rig.month.gateway import Month
from tests.rig.month.traffic import Traffic, Volume

PREFIX = "month:"
DAY_S = 86_400
#: Messages are followed for three days at most, and the books of a day made a day after that. Replies are fetched for three
#: days more, and a day later sweeping has seen that the campaign is over: retention begins.
FOLLOWED_DAYS = 3
BOOKED_DAYS = FOLLOWED_DAYS + 1
OVER_DAYS = 2 * FOLLOWED_DAYS + 1
#: Messages a day to the phone that is watched: one an hour.
WATCHED = 24
#: How long lookalikes are remembered, with the settings as they are.
LOOKALIKES_S = Settings().body_retention_s + Settings().poll_horizon_s
_ACCOUNT, _TOKEN = "default", Secret("token-of-the-month")
_GROUP = "crm"
_CAMPAIGNS_BEGIN_S = 9 * 3600
_CAMPAIGNS_END_S = 21 * 3600
#: Steps of the time after the last traffic: nothing but what expires is left of it.
_QUIET_STEP_S = 6 * 3600
#: What one call of a turn takes.
_AT_ONCE = 50
_ACTS: dict[str, Callable[..., Any]] = {
    QUICK: send_taken,
    BULK: send_taken,
    POLL: read_taken,
    REPLIES: read_taken,
    # Last, so that the stream of events is trimmed before the count.
    CONTROL: control_taken,
}
#: Events of trouble, of which a month without trouble has none.
TROUBLE = (
    *("sending.paused", "campaign.paused", "account.paused", "campaign.unbalanced"),
    *("batch.unknown", "batch.held", "batch.rejected"),
)


@dataclass(frozen=True)
class Plan:
    """How long and how much. Steps and lives in seconds. Retention must leave time for the books: three days or more."""

    volume: Volume
    days: int = 33
    retention_s: float = 14 * DAY_S
    step_s: float = 300.0
    sweep_s: float = DAY_S
    events_cap: int = 100_000
    group: bool = False
    seed: int = 1

    @property
    def jobs_a_day(self) -> int:
        """Campaigns that a day makes, single messages among them."""
        return self.volume.jobs + WATCHED

    @property
    def batches_a_day(self) -> int:
        return self.volume.requests(Settings().recipients_per_request) + WATCHED

    @property
    def life_days(self) -> int:
        """Days from the making of a campaign until all of it has expired, at most."""
        return OVER_DAYS + round(self.retention_s / DAY_S)

    @property
    def quiet_days(self) -> int:
        """Days after the last traffic until the last key has expired. Lookalikes live longer than a short retention."""
        return max(self.life_days, round(LOOKALIKES_S / DAY_S)) + 2

    def settings(self, url: str) -> Settings:
        return Settings(
            redis_url=url,
            key_prefix=PREFIX,
            accounts={_ACCOUNT: _TOKEN},
            rate_limit=Rate(0, 1.0),
            concurrency=2 * _AT_ONCE,
            read_share=1.0,
            retention_s=self.retention_s,
            key_retention_s=self.retention_s,
            events_cap=self.events_cap,
            optout_words=frozenset({"stop"}),
            optout_scope="topic",
        )


@dataclass
class Day:
    """What was seen at the end of a day, the first of which is 1.

    `took_s` is real time; `paused`: steps that found sending paused; `trouble`: events of trouble so far.
    """

    number: int
    census: census.Census
    took_s: float
    paused: int = 0
    trouble: dict[str, int] = field(default_factory=dict)


class Simulation:
    """Runs one plan on a server whose clock it sets."""

    def __init__(self, plan: Plan, url: str, clock: SimulatedClock) -> None:
        self.plan = plan
        self._clock = clock
        settings = plan.settings(url)
        store = Store(connect(settings), Keys(PREFIX), boot_s=clock.boot_s)
        self.gateway = Month(lambda: round(clock.now_s() * 1000), plan.seed)
        services = build_services(settings, store=store, ring=lambda _queue: True)
        gateway = Gateway(self.gateway, _TOKEN, permit=self._permit)
        self.services: Services = replace(services, gateway=lambda _account: gateway, boot_s=clock.boot_s)
        self.books = Books()
        self._traffic = Traffic(plan.volume, plan.seed)
        self._began_s = clock.now_s()
        self._swept_s = self._began_s
        self._consumer = Consumer(store, _GROUP, clock=clock.boot_s) if plan.group else None
        if self._consumer is not None:
            self._consumer.create_group()
        #: Events that the group read, and why jobs were refused.
        self.read = 0
        self.refused: list[str] = []

    def days(self) -> Iterator[Day]:
        """Each day of traffic, then those without any until all must have expired."""
        for number in range(1, self.plan.days + 1):
            yield self._day(number, self._busy_steps(number))
        for number in range(self.plan.days + 1, self.plan.days + self.plan.quiet_days + 1):
            settling = number <= self.plan.days + BOOKED_DAYS
            step_s = self.plan.step_s if settling else _QUIET_STEP_S
            yield self._day(number, _steps(step_s))

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, *_: object) -> None:
        self.services.store.redis.close()

    def _permit(self, method: str) -> AbstractContextManager[Notes]:
        return self.services.limiter.read_permit(_ACCOUNT, method, patience_s=5)

    def _day(self, number: int, steps: Iterator[float]) -> Day:
        started_s, midnight_s = time.monotonic(), self._began_s + (number - 1) * DAY_S
        paused = 0
        for into_s in steps:
            self._clock.move_to(midnight_s + into_s)
            self._work()
            paused += self.services.events.full() is not None
        if number > BOOKED_DAYS:
            self._enter(number - BOOKED_DAYS)
        found = census.take(self.services.store)
        return Day(number, found, time.monotonic() - started_s, paused, self._trouble())

    def _busy_steps(self, number: int) -> Iterator[float]:
        """The moments of a day (seconds from midnight) after whose traffic everything due is done."""
        volume, given, hour = self.plan.volume, 0, 0
        launches = self._launches()
        for into_s in _steps(self.plan.step_s):
            share = round(volume.singles * into_s / DAY_S)
            jobs = self._traffic.singles(share - given)
            given = share
            while hour * 3600 < into_s:
                jobs.append(self._traffic.watched())
                hour += 1
            self._hand_in(jobs)
            while launches and launches[0] <= into_s:
                self._launch(f"day {number} at {launches.pop(0):.0f} s")
            yield into_s

    def _hand_in(self, jobs: list[dict[str, object]]) -> None:
        keys = [f"{self._clock.now_s():.3f}-{n}" for n in range(len(jobs))]
        for result in enqueue_many(self.services, jobs, keys=keys):
            if result.error is not None:
                self.refused.append(str(result.error))

    def _launches(self) -> list[float]:
        apart_s = (_CAMPAIGNS_END_S - _CAMPAIGNS_BEGIN_S) / max(1, self.plan.volume.campaigns)
        return [_CAMPAIGNS_BEGIN_S + n * apart_s for n in range(self.plan.volume.campaigns)]

    def _launch(self, name: str) -> None:
        enqueue(self.services, self._traffic.campaign(name), key=name)

    def _work(self) -> None:
        """Everything that is due, as workers of all queues would do it."""
        services = self.services
        services.due.put_control(SWEEP_ENTRY, round((self._clock.now_s() + 2 * DAY_S) * 1000))
        dispatch(services)
        for queue in _ACTS:
            while self._turn(queue):
                pass
        if self._clock.now_s() >= self._swept_s + self.plan.sweep_s:
            sweep(services)
            self._swept_s = self._clock.now_s()
        if self._consumer is not None:
            self.read += sum(1 for _ in self._consumer.events(idle_s=0.001))

    def _turn(self, queue: str) -> int:
        """A worker's turn. As many as a call may take are done one after the other: this gateway answers at once."""
        services = self.services
        return WorkerTurn(
            services,
            queue,
            partial(_ACTS[queue], services),
            worker="month",
            overlap=1,
            most=_AT_ONCE,
            give_back=partial(give_back, services) if queue in {QUICK, BULK} else None,
            patience_s=0,
        ).run()

    def _enter(self, number: int) -> None:
        since_s = self._began_s + (number - 1) * DAY_S
        enter_all(self.books, self.services, round(since_s * 1000), round((since_s + DAY_S) * 1000))

    def _trouble(self) -> dict[str, int]:
        store = self.services.store
        counts = store.ask(Redis.hmget, store.keys.metrics(""), [f"event|{kind}" for kind in TROUBLE])
        return {kind: int(count) for kind, count in zip(TROUBLE, counts, strict=True) if count}


def _steps(step_s: float) -> Iterator[float]:
    for number in range(1, round(DAY_S / step_s) + 1):
        yield number * step_s
