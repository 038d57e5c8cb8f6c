"""The composition root: builds the real things from settings. Nothing else does."""

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

from campaigns.accounts.limiter import Breaker, Limiter
from campaigns.accounts.pauses import NO_TOKEN, pause_for
from campaigns.broker.bells import Bells
from campaigns.errors import GatewayError, PermitDeniedError, SettingsError
from campaigns.events import Events
from campaigns.gateway import Gateway, Transport
from campaigns.ledger import Batches, Campaigns, Due, OptOuts, Plans, RejectedMessages, Turns
from campaigns.people import People
from campaigns.results import Deliveries, Oddities, Replies
from campaigns.services import Rings, Services
from campaigns.settings import Milliseconds, Secret, Settings
from campaigns.store.client import Safety, Store
from campaigns.store.connections import pool_of
from campaigns.store.keys import Keys
from campaigns.times.steady import boot_clock


class RedisTimeouts(NamedTuple):
    """How long a command of the store may take: to connect, until an answer, with how many repetitions.

    With `give_up_s` nothing is tried again after so long, and what was not answered in time is not repeated.
    """

    connect_s: float
    answer_s: float
    tries: int
    give_up_s: float | None = None


#: For who works by itself, such as workers and consumers: a command survives about ten seconds of a server
#: that restarts. That a repeated one may have been carried out twice is safe: every write is a script that notices.
UNATTENDED: Final = RedisTimeouts(connect_s=5, answer_s=10, tries=12)
#: For who has somebody waiting, such as the command and an application's request: no server is told in three seconds.
INTERACTIVE: Final = RedisTimeouts(connect_s=2, answer_s=2, tries=12, give_up_s=1.2)


class _UntilRetry(Retry):
    """Tries again for so many seconds. By their number tries would multiply: connecting has some of its own."""

    def __init__(self, patience: RedisTimeouts) -> None:
        backoff = ExponentialWithJitterBackoff(cap=0.4, base=0.05)
        super().__init__(backoff, patience.tries, (RedisConnectionError,))
        self._give_up_s = patience.give_up_s or 0.0

    def call_with_retry(self, do: Callable[[], Any], fail: Callable[..., Any], *args: Any, **options: Any) -> Any:
        until_s = time.monotonic() + self._give_up_s

        def failed(error: Exception, *count: int) -> None:
            fail(error, *count)
            if time.monotonic() >= until_s:
                raise error

        return super().call_with_retry(do, failed, *args, **options)


def connect(settings: Settings, patience: RedisTimeouts = UNATTENDED) -> Redis:
    """A client of the store. Connects when it is first used; safe across forks and threads.

    Blocking reads of up to a second fit well inside its socket timeout.
    """
    if patience.give_up_s is not None:
        retry: Retry = _UntilRetry(patience)
        repeated: list[type[Exception]] = [RedisConnectionError]
    else:
        retry = Retry(ExponentialWithJitterBackoff(cap=1.5, base=0.05), patience.tries)
        repeated = [RedisConnectionError, RedisTimeoutError]
    usual = {
        "socket_timeout": patience.answer_s,
        "socket_connect_timeout": patience.connect_s,
        "health_check_interval": 30,
        "retry": retry,
        "retry_on_error": repeated,
    }
    return Redis.from_pool(pool_of(settings.redis_url, Keys(settings.key_prefix), usual))


def open_store(
    settings: Settings, patience: RedisTimeouts = UNATTENDED, *, now_ms: Callable[[], int] | None = None
) -> Store:
    """The store that the settings name. It goes by the server's clock, or by `now_ms`, unix milliseconds."""
    # Most of the time of an answer is for the replicas, the rest for the way.
    piece_s = min(settings.replicas_wait_s, 0.75 * patience.answer_s)
    safety = Safety(settings.replicas, settings.replicas_wait_s, piece_s)
    keys = Keys(settings.key_prefix)
    return Store(connect(settings, patience), keys, now_ms=now_ms, safety=safety, boot_s=boot_clock)


def build_services(settings: Settings, *, store: Store | None = None, ring: Rings | None = None) -> Services:
    """Everything that producers and workers work with."""
    store = store or open_store(settings)
    ms = Milliseconds(settings)
    batches = Batches(store, body_life_ms=ms.retention)
    limiter = _limiter(settings, store)
    deliveries = Deliveries(store, batches, final=settings.final_statuses)
    replies = Replies(store, optout_words=settings.words_of)
    transport = _transport(settings)
    return Services(
        settings=settings,
        store=store,
        plans=Plans(
            store,
            lease_ms=ms.planning_lease,
            body_life_ms=ms.unsent_body,
            lookalikes_life_ms=ms.lookalikes,
        ),
        batches=batches,
        campaigns=Campaigns(store, key_life_ms=ms.key_retention),
        rejected=RejectedMessages(store, life_ms=ms.retention),
        due=Due(store),
        turns=_turns(settings, store, limiter),
        limiter=limiter,
        deliveries=deliveries,
        oddities=Oddities(store),
        replies=replies,
        people=People(store, region=settings.phone_region, batches=batches, deliveries=deliveries, replies=replies),
        optouts=OptOuts(store),
        events=Events(store),
        gateway=_gateways(settings, transport, limiter),
        ring=ring or Bells(settings),
        boot_s=boot_clock,
        sleep=time.sleep,
        random=Random(),  # noqa: S311 (spreads retries, protects nothing)
    )


def _limiter(settings: Settings, store: Store) -> Limiter:
    return Limiter(
        store,
        rate=settings.rate_limit,
        concurrency=settings.concurrency,
        read_share=settings.read_share,
        # As long as the lease: what the guard before the first byte says of the one, it says of both.
        permit_life_s=settings.lease_s,
        breaker=Breaker(settings.failures_before_pause, settings.probe_after_s, settings.account_pause_s),
    )


def _turns(settings: Settings, store: Store, limiter: Limiter) -> Turns:
    ms = Milliseconds(settings)
    return Turns(store, limits=limiter.limits, lease_ms=ms.lease, deadline_ms=ms.deadline, accounts=settings.accounts)


def _transport(settings: Settings) -> Transport:
    return Transport(
        settings.gateway_url,
        connect_timeout_s=settings.connect_timeout_s,
        deadline_s=settings.deadline_s,
        ca_file=settings.gateway_ca_file,
    )


#: An account whose token a worker misses is left alone for so long. Short: it ends by itself once the token is there.
NO_TOKEN_PAUSE_S: Final = 60.0


class _gateways:  # noqa: N801 (a function that remembers)
    """The gateway of an account, built when it is first asked for."""

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
        """The account's token. Without one the account pauses, so that people see why nothing goes out.

        Raises PermitDeniedError then: a worker that has the token may carry it out when the pause is over.
        """
        try:
            return self._settings.token(account)
        except SettingsError as error:
            reason = f"no token: {error} for a worker"
        self._limiter.pause(account, NO_TOKEN_PAUSE_S, reason, cause=NO_TOKEN)
        raise PermitDeniedError("token", reason, retry_after_s=NO_TOKEN_PAUSE_S)

    def _failed(self, account: str, error: GatewayError) -> None:
        """Pause the account if it was refused, whichever method was asked. The caller learns for how long."""
        pause = pause_for(error, self._settings, paid=False)
        if pause is not None:
            error.retry_after_s = pause.seconds
            data = {"method": error.method}
            self._limiter.pause(account, pause.seconds, pause.reason, data, cause=pause.cause)


def unlimited_gateway(settings: Settings, account: str) -> Gateway:
    """The gateway of an account without permits: for who asks a single question while there is no store.

    Raises SettingsError if the account has no token.
    """
    return Gateway(
        _transport(settings),
        settings.token(account),
        read_attempts=settings.read_attempts,
        region=settings.phone_region,
    )


#: By process id: a fork builds its own.
_of_process: dict[int, Services] = {}


def default_services(patience: RedisTimeouts = INTERACTIVE) -> Services:
    """The services of this process, built once from its environment. Raises SettingsError.

    Who asks first decides the patience; workers are patient.
    """
    pid = os.getpid()
    services = _of_process.get(pid)
    if services is None:
        settings = Settings.from_env(os.environ)
        services = build_services(settings, store=open_store(settings, patience))
        _of_process.clear()
        _of_process[pid] = services
    return services


@contextmanager
def default_services_are(services: Services | None) -> Iterator[None]:
    """While the block lasts `default_services()` gives `services` in this process; then what it gave before.

    None: what the environment says when they are first asked for inside the block.
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
    """The settings of this process, for who needs neither tokens nor a gateway. Raises SettingsError."""
    return Settings.from_env(os.environ)


def consumer_store(settings: Settings | None = None, patience: RedisTimeouts = UNATTENDED) -> Store:
    """A store for a consumer of events."""
    return open_store(settings or consumer_settings(), patience)
