"""How much one command of the store carries: a command that reads a whole campaign holds up all other clients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from campaigns.store.client import Store


@dataclass(slots=True)
class Loads:
    """The most bytes that one command brought with it, and that one answer brought back.

    `commands_at_once`: the most commands of one round trip; `round_trips`: all of them so far.
    """

    sent: int = 0
    answered: int = 0
    commands_at_once: int = 1
    round_trips: int = 0


def weigh(store: Store) -> Loads:
    """Weigh, from now on, every command that a store gives and every answer that it gets."""
    loads, pool = Loads(), store.redis.connection_pool
    plain: Any = pool.connection_class

    class Weighing(plain):  # type: ignore[misc]
        def send_command(self, *args: Any, **options: Any) -> None:
            loads.sent = max(loads.sent, _size(args))
            loads.round_trips += 1
            super().send_command(*args, **options)

        def pack_commands(self, commands: Iterable[Any]) -> Any:
            commands = list(commands)
            loads.sent = max(loads.sent, *map(_size, commands))
            loads.commands_at_once = max(loads.commands_at_once, len(commands))
            loads.round_trips += 1
            return super().pack_commands(commands)

        def read_response(self, *args: Any, **options: Any) -> Any:
            answer = super().read_response(*args, **options)
            loads.answered = max(loads.answered, _size(answer))
            return answer

    pool.connection_class = Weighing
    pool.reset()
    return loads


def _size(part: Any) -> int:
    """Bytes of a command or an answer, as far as they are data."""
    if isinstance(part, dict):
        return sum(_size(one) for pair in part.items() for one in pair)
    if isinstance(part, (list, tuple)):
        return sum(map(_size, part))
    return len(part) if isinstance(part, (bytes, str)) else len(str(part))
