"""The composition root: the one place that builds connections, limiter and gateways from settings."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final, NamedTuple

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from campaigns import ledger
from campaigns.accounts.budgets import Budgets
from campaigns.accounts.limiter import Breaker, Limiter
from campaigns.accounts.pauses import NO_TOKEN, pause_for
from campaigns.broker.bells import Bells
from campaigns.errors import GatewayError, PermitDeniedError, SettingsError
from campaigns.events import Events
from campaigns.gateway import Gateway, Transport
from campaigns.jobs.alike import RecentJobs
from campaigns.people import People
from campaigns.results import Deliveries, Oddities, Replies
from campaigns.services import Rings, Services
from campaigns.settings import Milliseconds, Secret, Settings
from campaigns.store.client import Safety, Store
from campaigns.store.connections import pool_of
from campaigns.store.keys import Keys
from campaigns.times.steady import boot_clock


class RedisTimeouts(NamedTuple):
    """How long a Redis command may take: seconds to connect, seconds until an answer, and the number of repetitions.

    With `give_up_s`, no attempt begins after that many seconds, and a command that timed out is not repeated.
    """

    connect_s: float
    answer_s: float
    tries: int
    give_up_s: float | None = None


#: For workers and consumers: a command survives a restart of the server of about ten seconds. A repeated command may
#: run twice, which is safe because every write is a script that notices a repetition.
UNATTENDED: Final = RedisTimeouts(connect_s=5, answer_s=10, tries=12)
#: For the command and an application's requests, where a person waits: a missing server is an error within 3 s.
INTERACTIVE: Final = RedisTimeouts(connect_s=2, answer_s=2, tries=12, give_up_s=1.2)


class _UntilRetry(Retry):
    """Repeats a command for `give_up_s` seconds. A number of attempts would multiply with those of connecting."""

    def __init__(self, timeouts: RedisTimeouts) -> None:
        backoff = ExponentialWithJitterBackoff(cap=0.4, base=0.05)
        super().__init__(backoff, timeouts.tries, (RedisConnectionError,))
        self._give_up_s = timeouts.give_up_s or 0.0

    def call_with_retry(self, do: Callable[[], Any], fail: Callable[..., Any], *args: Any, **options: Any) -> Any:
        until_s = time.monotonic() + self._give_up_s

        def failed(error: Exception, *count: int) -> None:
            fail(error, *count)
            if time.monotonic() >= until_s:
                raise error

        return super().call_with_retry(do, failed, *args, **options)


def connect(settings: Settings, timeouts: RedisTimeouts = UNATTENDED) -> Redis:
    """A Redis client that connects at its first command. Safe across forks and threads.

    Its socket timeout is at least 2 s, so a read that blocks for up to a second does not run into it.
    """
    if timeouts.give_up_s is not None:
        retry: Retry = _UntilRetry(timeouts)
        repeated: list[type[Exception]] = [RedisConnectionError]
    else:
        retry = Retry(ExponentialWithJitterBackoff(cap=1.5, base=0.05), timeouts.tries)
        repeated = [RedisConnectionError, RedisTimeoutError]
    usual = {
        "socket_timeout": timeouts.answer_s,
        "socket_connect_timeout": timeouts.connect_s,
        "health_check_interval": 30,
        "retry": retry,
        "retry_on_error": repeated,
    }
    return Redis.from_pool(pool_of(settings.redis_url, Keys(settings.key_prefix), usual))


def open_store(
    settings: Settings, timeouts: RedisTimeouts = UNATTENDED, *, now_ms: Callable[[], int] | None = None
) -> Store:
    """The store that the settings name. Its time is the server's, or that of `now_ms` (unix milliseconds)."""
    # A wait for replicas must end before the socket times out, with room for the way there and back.
    piece_s = min(settings.replicas_wait_s, 0.75 * timeouts.answer_s)
    safety = Safety(settings.replicas, settings.replicas_wait_s, piece_s)
    keys = Keys(settings.key_prefix)
    return Store(connect(settings, timeouts), keys, now_ms=now_ms, safety=safety, boot_s=boot_clock)


def build_services(settings: Settings, *, store: Store | None = None, ring: Rings | None = None) -> Services:
    """The services of a producer or a worker. `store` and `ring` replace those that the settings would give."""
    store = store or open_store(settings)
    ms = Milliseconds(settings)
    batches = ledger.Batches(store, body_life_ms=ms.retention)
    limiter = _limiter(settings, store)
    budgets = Budgets(settings, store.about_now_ms)
    deliveries = _deliveries(settings, store, batches, budgets)
    replies = Replies(store, optout_words=settings.words_of, optout_scope=settings.optout_scope)
    transport = _transport(settings)
    return Services(
        settings=settings,
        store=store,
        recent_jobs=RecentJobs(settings),
        plans=_plans(store, ms),
        batches=batches,
        acceptances=_acceptances(store, ms, limiter),
        campaigns=ledger.Campaigns(store, key_life_ms=ms.key_retention),
        rejected=ledger.RejectedMessages(store, life_ms=ms.retention),
        due=ledger.Due(store),
        turns=_turns(settings, store, limiter, budgets),
        limiter=limiter,
        budgets=budgets,
        deliveries=deliveries,
        oddities=Oddities(store),
        replies=replies,
        people=People(store, region=settings.phone_region, batches=batches, deliveries=deliveries, replies=replies),
        optouts=ledger.OptOuts(store),
        counts=ledger.Counts(store, days=settings.cap_days),
        suppressed=ledger.Suppressed(store),
        events=Events(store),
        gateway=_Gateways(settings, transport, limiter),
        ring=ring or Bells(settings),
        boot_s=boot_clock,
        sleep=time.sleep,
        random=Random(),  # noqa: S311 (spreads retries, protects nothing)
    )


def _plans(store: Store, ms: Milliseconds) -> ledger.Plans:
    life_ms = ms.unsent_body
    return ledger.Plans(store, lease_ms=ms.planning_lease, body_life_ms=life_ms, lookalikes_life_ms=ms.lookalikes)


def _acceptances(store: Store, ms: Milliseconds, limiter: Limiter) -> ledger.Acceptances:
    return ledger.Acceptances(store, body_life_ms=ms.retention, ids_life_ms=ms.retention, release=limiter.releasing)


def _deliveries(settings: Settings, store: Store, batches: ledger.Batches, budgets: Budgets) -> Deliveries:
    after = settings.suppress_after or 0
    return Deliveries(store, batches, final=settings.final_statuses, expected=budgets.expected, suppress_after=after)


def _limiter(settings: Settings, store: Store) -> Limiter:
    return Limiter(
        store,
        rate=settings.rate_limit,
        concurrency=settings.concurrency,
        read_share=settings.read_share,
        # As long as the lease, so that one check before the first byte covers both.
        permit_life_s=settings.lease_s,
        breaker=Breaker(settings.failures_before_pause, settings.probe_after_s, settings.account_pause_s),
    )


def _turns(settings: Settings, store: Store, limiter: Limiter, budgets: Budgets) -> ledger.Turns:
    ms = Milliseconds(settings)
    return ledger.Turns(
        store,
        limits=limiter.limits,
        budgets=budgets.packed,
        lease_ms=ms.lease,
        deadline_ms=ms.deadline,
        accounts=settings.accounts,
        others=settings.other_accounts,
    )


def _transport(settings: Settings) -> Transport:
    return Transport(
        settings.gateway_url,
        connect_timeout_s=settings.connect_timeout_s,
        deadline_s=settings.deadline_s,
        ca_file=settings.gateway_ca_file,
    )


#: The pause of an account whose token a worker lacks. It is short because sending resumes once the token is there.
NO_TOKEN_PAUSE_S: Final = 60.0


class _Gateways:
    """Call it with an account to get that account's gateway, which is built at the first call."""

    def __init__(self, settings: Settings, transport: Transport, limiter: Limiter) -> None:
        self._settings = settings
        self._transport = transport
        self._limiter = limiter
        self._patience_s = min(5.0, settings.deadline_s)
        self._built: dict[str, Gateway] = {}

    def __call__(self, account: str) -> Gateway:
        gateway = self._built.get(account)
        if gateway is None:
            gateway = self._built[account] = Gateway(
                self._transport,
                self._token(account),
                read_attempts=self._settings.read_attempts,
                permit=lambda method: self._limiter.read_permit(account, method, patience_s=self._patience_s),
                failed=lambda error: self._failed(account, error),
                region=self._settings.phone_region,
            )
        return gateway

    def _token(self, account: str) -> Secret:
        """The account's token. If it is not set, pauses the account, so that operators see why nothing is sent.

        Raises PermitDeniedError then, so that a worker that has the token can make the request after the pause.
        """
        try:
            return self._settings.token(account)
        except SettingsError as error:
            reason = f"no token: {error} for a worker"
        self._limiter.pause(account, NO_TOKEN_PAUSE_S, reason, cause=NO_TOKEN)
        raise PermitDeniedError("token", reason, retry_after_s=NO_TOKEN_PAUSE_S)

    def _failed(self, account: str, error: GatewayError) -> None:
        """Pause the account if the gateway refused it, and put the length of the pause into the error."""
        pause = pause_for(error, self._settings, paid=False)
        if pause is not None:
            error.retry_after_s = pause.seconds
            data = {"method": error.method}
            self._limiter.pause(account, pause.seconds, pause.reason, data, cause=pause.cause)


def unlimited_gateway(settings: Settings, account: str) -> Gateway:
    """The gateway of an account, without permits: for a single read by a command that has no store.

    Raises SettingsError if the account has no token.
    """
    return Gateway(
        _transport(settings),
        settings.token(account),
        read_attempts=settings.read_attempts,
        region=settings.phone_region,
    )


#: By process id, so that a forked process builds its own.
_of_process: dict[int, Services] = {}


def default_services(timeouts: RedisTimeouts = INTERACTIVE) -> Services:
    """The services of this process, built once from its environment. Raises SettingsError.

    The first call decides the timeouts; a worker calls it with UNATTENDED as it starts.
    """
    pid = os.getpid()
    services = _of_process.get(pid)
    if services is None:
        settings = Settings.from_env(os.environ)
        services = build_services(settings, store=open_store(settings, timeouts))
        _of_process.clear()
        _of_process[pid] = services
    return services


@contextmanager
def default_services_are(services: Services | None) -> Iterator[None]:
    """Inside the block, `default_services()` returns `services` in this process; afterwards, what it returned before.

    With None, the first call inside the block builds them from the environment.
    """
    before = dict(_of_process)
    _replace_default({} if services is None else {os.getpid(): services})
    try:
        yield
    finally:
        _replace_default(before)


def _replace_default(by: dict[int, Services]) -> None:
    _of_process.clear()
    _of_process.update(by)


def consumer_settings() -> Settings:
    """The settings of this process, read from its environment. Raises SettingsError."""
    return Settings.from_env(os.environ)


def consumer_store(settings: Settings | None = None, timeouts: RedisTimeouts = UNATTENDED) -> Store:
    """The store for a consumer of events, which needs no other service. Raises SettingsError."""
    return open_store(settings or consumer_settings(), timeouts)
