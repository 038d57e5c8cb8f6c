"""No command reads or searches all of a key that grows: the server carries out one after the other, and others wait."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent / "campaigns"

#: What answers with, or goes through, all of a key.
WHOLE = {
    "hgetall",
    "hkeys",
    "hvals",
    "smembers",
    "sinter",
    "sunion",
    "sdiff",
    "lrem",
    "linsert",
    "sort",
    "keys",
    "xinfo",
}
#: What does so unless it is given an end.
RANGES = {"lrange", "zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore", "xrange", "xrevrange", "xpending"}

#: Where the whole is small, and why.
SMALL = {
    "accounts/limiter.py": {"hgetall"},  # facts of an account
    "flow/operator/recover.py": {"hgetall"},  # facts of the primary
    "health/heartbeats.py": {"hgetall", "zrangebyscore"},  # a field for each beat; accounts by queue
    "ledger/batches.py": {"hgetall"},  # a batch, and an image's three fields
    "ledger/campaigns.py": {"hgetall"},  # facts of a campaign
    "ledger/due.py": {"zrange", "zrangebyscore"},  # accounts
    "metrics/seen.py": {"hgetall"},  # numbers and facts of an account
    "results/deliveries.py": {"hvals"},  # only of mailings that are not large
    "store/lua/find_in_campaigns.lua": {"hvals"},  # only of a hash that it has found to be small
    "store/lua/read_groups.lua": {"xinfo"},  # groups of the stream
    "store/lua/include/floor.lua": {"xinfo"},  # the same
    "store/lua/include/held_hashes.lua": {"hgetall"},  # facts of a campaign, of a batch and of an account
    "store/lua/include/turns.lua": {"zrange", "zrangebyscore"},  # turns and workers
    "store/lua/remove_members.lua": {"xinfo"},  # members of a group; the server lists all or none
    "store/lua/read_deliveries.lua": {"hgetall"},  # only of a hash that it has found to be small
    "store/lua/take_reads.lua": {"hgetall"},  # a batch
    "store/lua/take_sends.lua": {"hgetall"},  # a batch
    "store/lua/record_tick.lua": {"hgetall"},  # a field for each beat
}


def of_scripts() -> Iterator[tuple[str, str, str]]:
    """Every command of the scripts: file, command, and the arguments of its line."""
    for path in sorted(ROOT.rglob("*.lua")):
        for command, arguments in re.findall(r"redis\.p?call\('(\w+)'(.*)", path.read_text("utf-8")):
            yield path.relative_to(ROOT).as_posix(), command.lower(), arguments


def stops(command: str, arguments: str) -> bool:
    """Whether a script says how many a range may bring."""
    if command in {"zrange", "zrevrange", "lrange"}:
        return re.match(r"(?!.*, 0, -1\))", arguments) is not None
    return re.search(r"'LIMIT'|'COUNT'|'[-]', '[+]', (\d+|most)|position, position, 1", arguments) is not None


def of_python() -> Iterator[tuple[str, str, list[ast.expr]]]:
    """Every plain command that the package gives to its store: file, command, arguments."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]).startswith("Redis."):
                command = ast.unparse(node.args[0]).removeprefix("Redis.")
                yield path.relative_to(ROOT).as_posix(), command, node.args[1:]


def stops_at(command: str, args: list[ast.expr]) -> bool:
    """Whether a call says how many a range may bring."""
    if command in {"zrange", "zrevrange", "lrange"}:
        return ast.unparse(args[2]) != "-1"
    return len(args) >= (5 if command.startswith("z") else 4)


def test_scripts_read_nothing_whole() -> None:
    found = list(of_scripts())
    assert len(found) > 200
    whole = {(name, command) for name, command, _ in found if command in WHOLE}
    whole |= {
        (name, command) for name, command, arguments in found if command in RANGES and not stops(command, arguments)
    }
    assert sorted(whole) == [pair for pair in allowed() if pair[0].endswith(".lua")]


def test_nothing_else_reads_anything_whole() -> None:
    found = list(of_python())
    assert len(found) > 80
    whole = {(name, command) for name, command, _ in found if command in WHOLE}
    whole |= {(name, command) for name, command, args in found if command in RANGES and not stops_at(command, args)}
    assert sorted(whole) == [pair for pair in allowed() if pair[0].endswith(".py")]


def allowed() -> list[tuple[str, str]]:
    return sorted((name, command) for name, commands in SMALL.items() for command in commands)


def test_no_command_reaches_the_store_in_another_way() -> None:
    """Commands are named where they are given, as `Redis.x`: else the tests above would not see them."""
    named, found = len(list(of_python())), 0
    for path in sorted(ROOT.rglob("*.py")):
        nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)]
        found += sum(ast.unparse(node).startswith("Redis.") for node in nodes)
        if path.relative_to(ROOT).parts[0] not in {"store", "wiring.py"}:
            # The store's client may be closed, and nothing else.
            used = {ast.unparse(node) for node in nodes if re.search(r"store\.redis\.\w+$", ast.unparse(node))}
            assert all(use.endswith(".redis.close") for use in used), path
    assert found == named + 1  # `Redis.from_pool` makes a client
