"""The door to the store is typed: what the server would refuse, the type checker refuses first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from redis.exceptions import NoScriptError

from campaigns.store.client import Store
from campaigns.store.commands import Redis, answers_of, command

ROOT = Path(__file__).parent.parent.parent

_RIGHT = """
from campaigns.store.client import Store
from campaigns.store.commands import Redis, command

def right(store: Store) -> None:
    store.ask(Redis.zrange, "key", 0, 9, withscores=True)
    store.ask_many([command(Redis.hget, "key", "field"), command(Redis.delete, "one", "two")])
"""
_WRONG = """
def wrong(store: Store) -> None:
    store.ask(Redis.hgetal, "key")
    store.ask(Redis.hgetall)
    store.ask(Redis.expire, "key", ["a list"])
    command(Redis.hget, "key")
    command(Redis.zrange, "key", 0, 9, with_scores=True)
    store.ask("hgetall", "key")
"""


def test_the_type_checker_sees_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "calls.py"
    path.write_text(_RIGHT + _WRONG)
    command_line = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--no-error-summary",
        "--cache-dir",
        str(tmp_path),
        str(path),
    ]
    found = subprocess.run(command_line, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    first = _RIGHT.count("\n") + 3
    errors = [int(line.split(":")[1]) for line in found.splitlines() if "error:" in line]
    assert sorted(set(errors)) == list(range(first, first + 6)), found


def test_commands_that_share_a_round_trip(store: Store) -> None:
    key = store.keys.active()
    answers = store.ask_many([command(Redis.sadd, key, "a"), command(Redis.scard, key), command(Redis.delete, key)])
    assert answers == [1, 1, 1]
    assert store.ask(Redis.exists, key) == 0


def test_an_error_of_the_server_is_an_answer_of_one_command_as_of_several(store: Store) -> None:
    unknown = ("EVALSHA", "0" * 40, 0)
    (alone,) = answers_of(store.redis, [unknown])
    first, pong = answers_of(store.redis, [unknown, ("ECHO", "here")])
    assert isinstance(alone, NoScriptError)
    assert isinstance(first, NoScriptError)
    assert pong == b"here"
    assert answers_of(store.redis, [("ECHO", "here")]) == [b"here"]
