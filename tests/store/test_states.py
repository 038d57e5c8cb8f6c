"""States stand in Python and in Lua: both are held to the enums, and every move to the table."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from itertools import pairwise, product
from pathlib import Path

import pytest

from campaigns.ledger import due_kinds, states
from campaigns.ledger.due_kinds import DueKind
from campaigns.ledger.states import (
    CAMPAIGN_REACHED_FROM,
    EXCLUDED,
    FIRST_CAMPAIGN_STATES,
    FIRST_STATES,
    OVER,
    REACHED_FROM,
    BatchState,
    CampaignState,
)
from campaigns.recipients import exclusions
from campaigns.recipients.exclusions import Exclusion
from tests.support.lua import INCLUDES, SCRIPTS, Lua, carried_out, hash_commands

#: What moves, from where ('' if it did not exist) and to where.
Moved = tuple[str, str, str]

_TABLES = {"batch": (REACHED_FROM, FIRST_STATES), "campaign": (CAMPAIGN_REACHED_FROM, FIRST_CAMPAIGN_STATES)}
ALLOWED: set[Moved] = {
    *((what, before, after) for what, (table, _) in _TABLES.items() for after in table for before in table[after]),
    *((what, "", after) for what, (_, first) in _TABLES.items() for after in first),
}


def moves_of(script: Lua) -> Iterator[Moved]:
    """What the header of a script says under `Moves:`."""
    for said in filter(None, script.said("Moves").rstrip(".").split("; ")):
        if said.startswith("batch any → any"):
            yield from (move for move in ALLOWED if move[0] == "batch" and move[1])
            continue
        what, move = said.split(" ", 1)
        before, after = (side.split(", ") for side in move.split(" → "))
        yield from ((what, "" if one == "nothing" else one, other) for one, other in product(before, after))


def targets(script: Lua) -> Iterator[tuple[str, str]]:
    """The states that a script writes, and of what; '' where the state is known at run time only."""
    for code in carried_out(script):
        for command, *rest in hash_commands(code):
            if command == "'HSET'" and "'state'" in rest:
                key, value = rest[0], rest[rest.index("'state'") + 1]
                yield "batch" if "batch" in key else "campaign", value.strip("'") if value[0] == "'" else ""


every_script = pytest.mark.parametrize("script", SCRIPTS.values(), ids=lambda script: script.name)


@every_script
def test_a_script_moves_as_the_table_allows(script: Lua) -> None:
    assert set(moves_of(script)) <= ALLOWED


@every_script
def test_the_header_names_every_move(script: Lua) -> None:
    written, said = set(targets(script)), {(what, after) for what, _, after in moves_of(script)}
    dynamic = {what for what, state in written if not state}
    assert {(what, state) for what, state in written if state} <= said
    assert {(what, state) for what, state in said if what not in dynamic} <= written
    assert dynamic <= {what for what, _ in said}


def test_every_move_of_the_table_is_made_by_a_script() -> None:
    assert {move for script in SCRIPTS.values() for move in moves_of(script)} == ALLOWED


def test_the_tables_are_whole() -> None:
    assert set(REACHED_FROM) == set(BatchState)
    assert set(CAMPAIGN_REACHED_FROM) == set(CampaignState)


def listed(include: str, name: str) -> list[str]:
    """The words of a table that an include defines."""
    (text,) = re.findall(rf"local {name} = \{{(.*?)\}}", INCLUDES[include].code, re.DOTALL)
    words = re.findall(r"'(\w+)'|(\w+) = true", text)
    return [quoted or key for quoted, key in words]


class TestListsInLua:
    """They are those of Python."""

    def test_states_and_reasons(self) -> None:
        assert listed("finish_campaign", "BATCH_STATES") == list(BatchState)
        assert listed("finish_campaign", "EXCLUDED") == list(EXCLUDED) == list(Exclusion)

    def test_subsets(self) -> None:
        assert set(listed("waiting", "STAYS")) == set(CampaignState) - OVER - {CampaignState.READY}
        assert set(listed("batch_counters", "WAITING")) == {BatchState.UNKNOWN, BatchState.HELD}
        (kept,) = re.findall(r"ipairs\(\{(.*)\}\)", SCRIPTS["retire_campaign"].code)
        assert set(re.findall(r"'(\w+)'", kept)) == set(CampaignState) - OVER

    @pytest.mark.parametrize("lua", [*SCRIPTS.values(), *INCLUDES.values()], ids=lambda lua: lua.name)
    def test_every_state_that_is_compared(self, lua: Lua) -> None:
        compared = re.findall(
            r"(?:state|\b(?:batch|plan|campaign|known|fields|open)\[1\]|\b(?:from|to)) [~=]= '(\w+)'", lua.code
        )
        assert set(compared) <= {*BatchState, *CampaignState}

    @pytest.mark.parametrize("lua", [*SCRIPTS.values(), *INCLUDES.values()], ids=lambda lua: lua.name)
    def test_every_kind_of_due_work(self, lua: Lua) -> None:
        kinds = re.findall(r"(?:schedule|ZADD|ZREM|entry|ZSCORE).*?'(\w+)\|'", lua.code)
        assert set(kinds) <= set(DueKind)


@pytest.mark.parametrize(
    ("module", "members"),
    [(states, BatchState), (states, CampaignState), (due_kinds, DueKind), (exclusions, Exclusion)],
)
def test_every_member_is_documented(module: object, members: type[StrEnum]) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
    (body,) = (node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == members.__name__)
    named = [node for node in body if isinstance(node, ast.Assign)]
    documented = [after for before, after in pairwise(body) if before in named]
    assert len(named) == len(members)
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in documented)
    assert len(documented) == len(named)


def test_labels_differ() -> None:
    labels = [member.label for member in (*BatchState, *Exclusion)]
    assert len(set(labels)) == len(labels)
