"""Each script is harmless when it is called twice: the client repeats a call whose answer was lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.store.script_scenes import SCENES, Scene
from tests.store.test_keys import HASHES, documented
from tests.store.test_states import moves_of
from tests.support.lua import SCRIPTS, carried_out
from tests.support.stage import Stage
from tests.support.twice import Contents

#: Scripts that only read.
READING = {
    "done_before",
    "find_in_campaigns",
    "find_phone",
    "optouts_version",
    "read_clock",
    "read_deliveries",
    "read_groups",
}
#: The keys that a repeated call may change, and why that does no harm.
ALLOWED_CHANGES = {
    # The second call finds nothing more that is due, so that the turn of the worker ends: the worker begins another. What
    # the first one took comes due again by itself.
    "take_due": {"turns-full"},
    "take_sends": {"turns-full"},
}


@pytest.mark.parametrize("play", SCENES)
def test_a_repeated_call_changes_nothing(stage: Stage, play: Callable[[Scene], None]) -> None:
    scene = Scene(stage)
    play(scene)
    assert [name for name in SCENES[play].split() if not scene.seen[name].wrote] == []
    for name, seen in scene.seen.items():
        assert name not in READING or not seen.wrote
        allowed = ALLOWED_CHANGES.get(name, set())
        changed = [{key: values for key, values in one.items() if key not in allowed} for one in seen.changed]
        assert not any(changed), name
        for before, after in seen.steps:
            assert undescribed(after) == set(), name
            assert moves(before, after) <= set(moves_of(SCRIPTS[name])), name
            assert set(events(after) - events(before)) <= set(SCRIPTS[name].said("Emits").rstrip(".").split(", ")), name


def moves(before: Contents, after: Contents) -> set[tuple[str, str, str]]:
    """The states that changed: of what, from what ('' if it did not exist), to what."""
    found = set()
    for key, (value, _) in after.items():
        what = key.partition(":")[0]
        if what in {"batch", "campaign"} and b"state" in value:
            old = before.get(key, ({}, False))[0].get(b"state", b"")
            way = [old, value[b"state"]]
            if (what, *way) == ("batch", b"sending", b"settled"):
                way.insert(1, b"accepted")  # in one step, where nothing more is asked
            found |= {(what, one.decode(), other.decode()) for one, other in pairwise(way) if one != other}
    return found


def undescribed(contents: Contents) -> set[tuple[str, str]]:
    """The fields of hashes that `campaigns/store/keys.py` does not name."""
    fields = {
        (kind, raw.decode())
        for key, (value, _) in contents.items()
        if (kind := key.partition(":")[0]) in HASHES
        for raw in value
    }
    return {(kind, field) for kind, field in fields if not {field, re.sub(":.*", ":", field)} & documented(kind)}


def events(contents: Contents) -> Counter[str]:
    """How many events of each type there are."""
    entries = contents.get("events", (([], {}), False))[0][0]
    return Counter(fields[b"type"].decode() for _, fields in entries if fields)


def test_every_script_is_proven() -> None:
    proven = [name for names in SCENES.values() for name in names.split()]
    assert sorted([*proven, *READING]) == sorted(SCRIPTS)


@pytest.mark.parametrize("name", sorted(READING))
def test_what_only_reads(name: str) -> None:
    """By the commands that it and its includes can reach."""
    commands = {found for code in carried_out(SCRIPTS[name]) for found in re.findall(r"redis\.p?call\('(\w+)'", code)}
    assert commands <= {
        "TIME",
        "EXISTS",
        "GET",
        "SCARD",
        "HGET",
        "HMGET",
        "HVALS",
        "LLEN",
        "LRANGE",
        "HGETALL",
        "HLEN",
        "HEXISTS",
        "HSCAN",
        "XINFO",
        "XLEN",
        "XPENDING",
        "XRANGE",
    }
