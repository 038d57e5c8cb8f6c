"""The one door to Redis: scripts by name, the server's errors as ours, the clock that scripts go by.

Scripts live in `campaigns/store/lua`, one file per atomic operation. Every script takes the time as its first
argument: what this process expects of the steady clock (see `campaigns.times.steady`), or what `now_ms` returns, for
tests that simulate days. The key of that clock and that of the numbers that scripts raise stand before the keys of
every script.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from redis.commands.core import Script
from redis.exceptions import NoScriptError, RedisError, ResponseError

from campaigns.errors import LayoutError, NotReplicatedError, StoreError
from campaigns.store.commands import Command, Redis, answers_of, command
from campaigns.store.connections import place_of
from campaigns.store.keys import Keys
from campaigns.store.layout_version import WrongLayoutError
from campaigns.store.lua import script_text
from campaigns.times.steady import Reading, Timekeeper

_MEMBERS_PER_ANSWER = 1000

T = TypeVar("T")
P = ParamSpec("P")

#: The name of a script, its keys, and its arguments after the time.
ScriptCall = tuple[str, Sequence[str], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Safety:
    """A write is safe once `replicas` replicas have it. It waits `patience_s` for them, a `piece_s` at a time.

    No answer may take as long as the client waits for one. What was claimed waits as well before it is sent, so
    both lie far below the lease of a batch.
    """

    replicas: int = 0
    patience_s: float = 4.0
    piece_s: float = 4.0


class Store:
    """Redis as the rooms of this project see it. Every method may raise StoreError.

    `safety`: when a write that is not to be lost counts as safe. `boot_s`: this machine's clock since boot, by which
    jumps of the server's clock are noticed.
    """

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        *,
        now_ms: Callable[[], int] | None = None,
        safety: Safety = Safety(),
        boot_s: Callable[[], float] | None = None,
    ) -> None:
        self.redis = redis
        self.keys = keys
        self.replicas = safety.replicas
        self._safety = safety
        self._now_ms = now_ms
        self._time = None if boot_s is None or now_ms else Timekeeper(self.read_clock, self._keep_clock, boot_s)
        self._scripts: dict[str, Script] = {}
        self._head = (keys.clock(), keys.metrics())

    @property
    def patience_s(self) -> float:
        """How long a write waits for replicas."""
        return self._safety.patience_s

    def run(self, name: str, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        """Run the script `name` with the time before its other arguments.

        The client may repeat a call whose answer was lost: scripts are written so that this changes nothing.
        """
        with self._translated(name):
            return self._script(name)(keys=[*self._head, *keys], args=[self._now(), *args])

    def run_many(self, name: str, calls: Iterable[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        """Run one script once per call, in a single round trip. Atomic per call, not as a whole."""
        return self.run_in_turn([(name, keys, args) for keys, args in calls])

    def run_in_turn(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """Run different scripts one after the other, in a single round trip. Atomic per call, not as a whole.

        After a start of the server those that it does not know yet come last.
        """
        return self._carry_out(calls, wait=False)[0]

    def run_replicated(self, calls: Sequence[ScriptCall]) -> tuple[list[Any], bool]:
        """As `run_in_turn`, and whether as many replicas have what was written as must have it."""
        answers, having = self._carry_out(calls, wait=self.replicas > 0)
        return answers, having >= self.replicas

    def run_safely(self, name: str, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        """As `run`, for what must not be lost by a failover.

        Raises NotReplicatedError if replicas lack it: it is written all the same, and may be repeated.
        """
        (answer,) = self.run_all_safely([(name, keys, args)])
        return answer

    def run_all_safely(self, calls: Sequence[ScriptCall]) -> list[Any]:
        """As `run_in_turn`, for what must not be lost by a failover. Raises NotReplicatedError as `run_safely`."""
        answers, having = self._carry_out(calls, wait=self.replicas > 0)
        if having < self.replicas:
            raise NotReplicatedError(having, self.replicas)
        return answers

    def confirm(self) -> None:
        """Wait until replicas have all that was written so far. Raises NotReplicatedError if they do not."""
        if self.replicas:
            with self._translated("WAIT"):
                having = self._wait(time.monotonic() + self._safety.patience_s)
            if having < self.replicas:
                raise NotReplicatedError(having, self.replicas)

    def _carry_out(self, calls: Sequence[ScriptCall], *, wait: bool) -> tuple[list[Any], int]:
        """The answers, and how many replicas have what was written; 0 unless it waits for them."""
        if not calls:
            return [], self.replicas
        with self._translated(calls[0][0]):
            now, until_s = self._now(), time.monotonic() + self._safety.patience_s
            answers, having = self._in_turn(calls, now, wait)
            missing = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if missing:
                # Redis has been started anew. What was carried out is not repeated: it would take another entry.
                for name in {calls[n][0] for n in missing}:
                    self.redis.script_load(script_text(name))
                late, having = self._in_turn([calls[n] for n in missing], now, wait)
                for n, answer in zip(missing, late, strict=True):
                    answers[n] = answer
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            if wait and having < self.replicas and time.monotonic() < until_s:
                having = self._wait(until_s)
            return answers, having

    def _wait(self, until_s: float) -> int:
        """How many replicas have what was written so far, as soon as that is enough or `until_s` (monotonic)."""
        while True:
            *_, having = answers_of(self.redis, self._waiting(until_s - time.monotonic()))
            if not isinstance(having, int) or having >= self.replicas or time.monotonic() >= until_s:
                return having if isinstance(having, int) else 0

    def _waiting(self, left_s: float) -> list[Sequence[Any]]:
        # WAIT waits for the last write of its own connection. The client repeats a pipeline on another one, where
        # scripts may find nothing left to write: without a write of its own WAIT would wait for nothing.
        wait_ms = round(1000 * min(left_s, self._safety.piece_s))
        return [("SET", self.keys.replicated(), 1), ("WAIT", self.replicas, max(1, wait_ms))]  # 0 would be for ever

    def _in_turn(self, calls: Sequence[ScriptCall], now: int | str, wait: bool) -> tuple[list[Any], int]:
        # Not by redis-py's own scripts: in a pipeline they ask each time whether they are loaded.
        head = self._head
        scripts: list[Sequence[Any]] = [
            ("EVALSHA", self._script(name).sha, len(head) + len(keys), *head, *keys, now, *args)
            for name, keys, args in calls
        ]
        if not wait:
            return answers_of(self.redis, scripts), 0
        *answers, _, having = answers_of(self.redis, [*scripts, *self._waiting(self._safety.patience_s)])
        return answers, having if isinstance(having, int) else 0

    def ask(self, method: Callable[Concatenate[Redis, P], Any], *args: P.args, **named: P.kwargs) -> Any:
        """One plain command: `ask(Redis.hgetall, key)`. The answer holds bytes, as the server sent it."""
        return self._ask(command(method, *args, **named))

    def ask_many(self, commands: Iterable[Command]) -> list[Any]:
        """Plain commands one after the other, in a single round trip. Not atomic as a whole."""
        with self._translated("pipeline"), self.redis.pipeline(transaction=False) as pipeline:
            for one in commands:
                one.run(pipeline)
            return list(pipeline.execute())

    def _ask(self, one: Command) -> Any:
        with self._translated(one.method.__name__):
            return one.run(self.redis)

    def members(self, key: str) -> Iterator[bytes]:
        """The members of a set, each once and in no order; of those that come or go meanwhile perhaps some.

        However large the set, each answer holds about a thousand of them.
        """
        return self._each_once(lambda cursor: command(Redis.sscan, key, cursor, None, _MEMBERS_PER_ANSWER))

    def ranked(self, key: str) -> Iterator[bytes]:
        """The members of a sorted set, as `members` gives those of a set."""
        return self._each_once(lambda cursor: command(Redis.zscan, key, cursor, None, _MEMBERS_PER_ANSWER))

    def _each_once(self, scan: Callable[[int], Command]) -> Iterator[bytes]:
        cursor, seen = None, set[bytes]()
        while cursor != 0:
            cursor, portion = self._ask(scan(cursor or 0))
            for found in portion:
                member = found if isinstance(found, bytes) else found[0]
                if member not in seen:
                    seen.add(member)
                    yield member

    def create_group(self, stream: str, group: str, start: str) -> None:
        """Create a consumer group, and the stream if need be; nothing happens if the group is there."""
        with self._translated("xgroup_create"):
            try:
                self.redis.xgroup_create(stream, group, id=start, mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    @property
    def address(self) -> str:
        """Host and port, the path of the socket, or the primary and its Sentinels; never the password."""
        return place_of(self.redis)

    def server_setting(self, name: str) -> str | None:
        """A setting of the server by CONFIG GET; None where it is not allowed, as at many providers."""
        try:
            settings: dict[str, str] = self.ask(Redis.config_get, name)
        except StoreError:
            return None
        return settings.get(name)

    def now_ms(self) -> int:
        """The time by which scripts go, unix milliseconds."""
        if self._now_ms is not None:
            return self._now_ms()
        return int(self.run("read_clock", [])[3])

    def about_now_ms(self) -> int:
        """The same, by this machine's clock where that was compared within the last seconds: the server is not asked.

        After the machine was suspended it may be late by that long, for some seconds.
        """
        about = None if self._time is None else self._time.now_ms()
        return self.now_ms() if about is None else about

    def keep_time(self) -> None:
        """Compare the server's clock with this machine's, and confirm to other processes that they agree."""
        if self._time is not None:
            with self._translated("keep_time"):
                self._time.compare(confirm=True)

    def _now(self) -> int | str:
        if self._now_ms is not None:
            return self._now_ms()
        return 0 if self._time is None else self._time.expected()

    def read_clock(self) -> Reading:
        """The server's own clock, and what makes the steady one of it."""
        with self._translated("read_clock"):
            server_ms, offset_ms, seen_ms, _ = self._script("read_clock")(keys=self._head, args=[0])
        return Reading(server_ms, offset_ms, seen_ms)

    def _keep_clock(self, args: Sequence[int]) -> Any:
        return self._script("keep_clock")(keys=self._head, args=[0, *args])

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Raise StoreError, which names the server, for whatever redis-py raises inside."""
        problem: StoreError | None = None
        try:
            yield
        except WrongLayoutError as error:
            problem = LayoutError(f"{self.address}: {error}")
        except RedisError as error:
            problem = StoreError(f"{self.address}, {what}: {type(error).__name__}: {error}")
        if problem is not None:
            raise problem from None

    def _script(self, name: str) -> Script:
        script = self._scripts.get(name)
        if script is None:
            script = self._scripts[name] = self.redis.register_script(script_text(name))
        return script


def decoded(mapping: dict[bytes, bytes]) -> dict[str, str]:
    """A hash as text."""
    return {name.decode(): value.decode() for name, value in mapping.items()}


def paired(flat: Sequence[T]) -> dict[T, T]:
    """What HGETALL returns inside a script, as a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
