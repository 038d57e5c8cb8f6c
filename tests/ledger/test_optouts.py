"""Opt-outs: the list, its version, and the words that put a person on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from campaigns import Client
from campaigns.ledger import OptOut, OptOuts
from campaigns.settings import Secret, Settings
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from tests.support.jobs import bulk_job, phones
from tests.support.settings import TOKEN
from tests.support.stage import Stage


def version(store: Store) -> tuple[int, int]:
    return int(store.ask(Redis.get, store.keys.optouts_counter()) or 0), int(
        store.ask(Redis.scard, store.keys.optouts())
    )


def test_only_additions_move_the_counter(store: Store) -> None:
    listed = OptOuts(store)
    assert listed.add(phones(3)) == 3
    assert version(store) == (1, 3)
    assert listed.add(phones(3)) == 0
    assert version(store) == (1, 3)
    assert listed.remove(phones(1)) == 1
    assert version(store) == (1, 2)
    # The same size again, and still another version.
    assert listed.add(phones(1)) == 1
    assert version(store) == (2, 3)


def test_since_when_and_why(store: Store) -> None:
    timed = Store(store.redis, store.keys, now_ms=lambda: 1_900_000_000_000)
    listed = OptOuts(timed)
    listed.add(phones(1), "a letter | of May: no more", "ann | sales")
    listed.add(phones(1), "another", "ben")
    found = listed.of(phones(1)[0])
    assert found == OptOut(1_900_000_000_000, "a letter | of May: no more", "ann / sales")
    store.ask(Redis.sadd, store.keys.optouts(), "375291234567", "375291234568")
    # As an earlier version noted it.
    store.ask(Redis.hset, store.keys.optouts_why(), "375291234568", "1900000000000|a letter: no more")
    assert dict(listed.details()) == {
        phones(1)[0]: found,
        "375291234567": OptOut(None, ""),
        "375291234568": OptOut(1_900_000_000_000, "a letter: no more"),
    }
    assert listed.of("375291234567") == OptOut(None, "")
    listed.remove(["375291234568"])
    listed.remove(phones(1))
    assert listed.of(phones(1)[0]) is None
    assert store.ask(Redis.hlen, store.keys.optouts_why()) == 0


def test_from_application_code(stage: Stage) -> None:
    services = stage.services
    assert Client.over(services).optouts.add(["+375 29 100-00-00", "80291000001"], why="asked") == 2
    assert sorted(Client.over(services).optouts.every()) == phones(2)
    with pytest.raises(ValueError, match="not a phone number"):
        Client.over(services).optouts.add([phones(3)[2], "nobody"])
    assert Client.over(services).optouts.get(phones(3)[2]) is None
    assert Client.over(services).optouts.remove(["375 29 1000000"]) == 1


def test_words_of_an_account() -> None:
    settings = Settings.from_env(
        {"CAMPAIGNS_OPTOUT_WORDS": "STOP", "CAMPAIGNS_OPTOUT_WORDS_BIG_SHOP": "Не надо, Сто\u0438\u0306"}
    )
    assert settings.words_of("default") == {"stop"}
    assert settings.words_of("big_shop") == {"stop", "не надо", "стой"}


def test_words_of_one_account_are_not_those_of_another(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(
        optout_words=frozenset(),
        account_optout_words={"shop": frozenset({"stop"})},
        accounts={"default": Secret(TOKEN), "shop": Secret(TOKEN)},
    )
    one = stage.enqueue(bulk_job(["375297779908"], text="one"))
    stage.until(lambda: bool(one.replies()))
    assert list(stage.services.optouts) == []
    other = stage.enqueue(bulk_job(["375297779908"], text="other", account="shop"))
    stage.until(lambda: bool(other.replies()))
    assert list(stage.services.optouts) == ["375297779908"]
    found = stage.services.optouts.of("375297779908")
    (reply,) = other.replies()
    assert found is not None
    assert (found.by, found.why) == ("recipient", f"reply {reply.id} to campaign {other.id}")


@pytest.mark.parametrize("listed", [0, 1, 3, 500])
def test_checker(store: Store, listed: int) -> None:
    """However long the list is, and however many phones are asked about, it says what `among` says."""
    optouts = OptOuts(store)
    optouts.add(f"37529{n:07d}" for n in range(0, 2 * listed, 2))
    check = optouts.checker()
    for start in range(0, 1200, 100):
        asked = [f"37529{n:07d}" for n in range(start, start + 100)]
        assert list(check(asked)) or optouts.among(asked) == [False] * 100
        assert sum(check(asked)) == sum(optouts.among(asked))
