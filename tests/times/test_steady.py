"""The steady clock, on a real server whose clock is set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from campaigns.settings import Settings
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from campaigns.store.keys import Keys
from campaigns.times.steady import TOLERANCE_MS, Reading, boot_clock
from campaigns.wiring import connect
from tests.support.clocks import ServerWithClock, settable

pytestmark = settable
_HOUR_S, _DAY_S = 3600, 86_400
_NEAR_MS = TOLERANCE_MS


class Machine:
    """A machine's clock since boot: the real one, but for the time that the machine was suspended."""

    def __init__(self) -> None:
        self.suspended_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() - self.suspended_s


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerWithClock]:
    with ServerWithClock(tmp_path_factory.mktemp("clock")) as server:
        yield server


@pytest.fixture
def process(server: ServerWithClock, prefix: str) -> Iterator[Callable[..., Store]]:
    """A process's store, on a machine."""
    server.set_clock(0)
    stores = []

    def open_one(boot_s: Callable[[], float] = time.monotonic) -> Store:
        stores.append(Store(connect(Settings(redis_url=server.url)), Keys(prefix), boot_s=boot_s))
        return stores[-1]

    yield open_one
    for store in stores:
        store.redis.close()


def real_ms() -> int:
    return time.time_ns() // 1_000_000


def near(ms: float, wanted_ms: float) -> bool:
    return abs(ms - wanted_ms) < _NEAR_MS


def tick(store: Store) -> None:
    """Compare the clocks, as beat does every second: a reading that took too long says nothing, and is made again."""
    for _ in range(3):
        store.keep_time()


@pytest.mark.parametrize("by_s", [_HOUR_S, -_HOUR_S, _DAY_S, -_DAY_S, 60, -60])
def test_scripts_go_on_evenly_when_the_clock_is_set(
    server: ServerWithClock, process: Callable[..., Store], by_s: int
) -> None:
    """Before any process has noticed, once one has, and when the clock is set right again."""
    worker, beat = process(), process()
    assert near(worker.now_ms(), real_ms())
    tick(beat)
    server.set_clock(by_s)
    assert near(worker.now_ms(), real_ms())
    tick(beat)
    for store in (worker, beat, process()):
        assert near(store.now_ms(), real_ms())
    server.set_clock(0)
    assert near(worker.now_ms(), real_ms())
    tick(beat)
    assert near(process().now_ms(), real_ms())


@pytest.mark.parametrize("by_s", [_HOUR_S, -_HOUR_S])
def test_a_clock_that_is_set_amid_a_comparison_is_not_confirmed(
    server: ServerWithClock, process: Callable[..., Store], by_s: int
) -> None:
    """What was read before says nothing about the clock that stands there now."""
    beat, worker = process(), process()
    assert near(worker.now_ms(), real_ms())
    tick(beat)
    server.set_clock(by_s)
    tick(beat)
    timekeeper = beat._time
    assert timekeeper is not None
    read = timekeeper._read

    def read_just_before() -> Reading:
        reading = read()
        server.set_clock(0)
        return reading

    timekeeper._read = read_just_before
    beat.keep_time()
    timekeeper._read = read
    tick(beat)
    for store in (worker, beat, process()):
        assert near(store.now_ms(), real_ms())


def test_time_does_not_go_back_while_no_process_works(server: ServerWithClock, process: Callable[..., Store]) -> None:
    tick(process())
    server.set_clock(-_HOUR_S)
    command = process()
    assert near(command.now_ms(), real_ms())
    tick(command)
    assert near(process().now_ms(), real_ms())


def test_a_machine_that_was_suspended_moves_no_other(process: Callable[..., Store]) -> None:
    """To it the server's clock has jumped; others have seen that it has not."""
    machine = Machine()
    suspended, beat = process(machine), process()
    tick(suspended)
    machine.suspended_s = _HOUR_S
    tick(beat)
    assert near(suspended.now_ms(), real_ms())
    tick(suspended)
    for store in (suspended, beat, process()):
        assert near(store.now_ms(), real_ms())


def test_comes_back_to_the_server_s_clock_slowly(server: ServerWithClock, process: Callable[..., Store]) -> None:
    """A clock that was wrong for long and was put right then: the ledger follows, without any jump."""
    beat = process()
    tick(beat)
    server.set_clock(_HOUR_S)
    tick(beat)
    machine, key = Machine(), beat.keys.clock()
    ticking = process(machine)
    tick(ticking)
    before_ms = int(beat.ask(Redis.hget, key, "offset_ms"))
    assert near(before_ms, -_HOUR_S * 1000)
    for second in range(1, 101):
        server.set_clock(_HOUR_S + second)
        machine.suspended_s = -second
        tick(ticking)
    moved_ms = int(beat.ask(Redis.hget, key, "offset_ms")) - before_ms
    assert 400 <= moved_ms <= 600


def test_boot_clock_never_goes_back() -> None:
    first = boot_clock()
    assert boot_clock() >= first
