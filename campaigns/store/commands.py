"""The plain commands of the server, as the type checker knows them: `store.ask(Redis.hgetall, key)`.

Outside the store no room imports redis-py: it takes the names of commands from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from redis import Redis

__all__ = ["Command", "Redis", "command"]

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Command:
    """A method of redis-py's client with its arguments, for a round trip that several commands share."""

    method: Callable[..., Any]
    args: tuple[Any, ...]
    named: Mapping[str, Any]

    def run(self, client: Redis) -> Any:
        """Give it to a client, or to a pipeline, which only collects it."""
        return self.method(client, *self.args, **self.named)


def command(method: Callable[Concatenate[Redis, P], Any], *args: P.args, **named: P.kwargs) -> Command:
    """A command with arguments that the type checker compares with the method's signature."""
    return Command(method, args, named)
