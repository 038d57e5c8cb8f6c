"""The plain commands of the server, as the type checker knows them: `store.ask(Redis.hgetall, key)`.

Outside the store no room imports redis-py: it takes the names of commands from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from redis import Redis
from redis.exceptions import ResponseError

__all__ = ["Command", "Redis", "answers_of", "command"]

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


def answers_of(client: Redis, commands: Sequence[Sequence[Any]]) -> list[Any]:
    """The answers to commands, given as their words, in a single round trip; the server's errors are among them."""
    if len(commands) == 1:
        # A pipeline costs more time than the one command in it. The client repeats both by the same rules.
        try:
            return [client.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
        except ResponseError as error:
            return [error]
    with client.pipeline(transaction=False) as pipeline:
        for one in commands:
            pipeline.execute_command(*one)  # type: ignore[no-untyped-call]
        return list(pipeline.execute(raise_on_error=False))
