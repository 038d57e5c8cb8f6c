"""Opt-outs by account and topic: lists of their own, one version, and what a campaign keeps to."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from campaigns import Client
from campaigns.ledger import EVERYTHING, OptOut, OptOuts, Scope, scope_named, scope_of_reply, scopes_for
from campaigns.ledger.audit import Audit
from campaigns.settings import Secret
from campaigns.store.client import Store
from campaigns.store.commands import Redis
from tests.support.jobs import phones
from tests.support.settings import TOKEN
from tests.support.stage import Stage

SHOP, OFFERS = Scope("shop"), Scope("shop", "offers")


def test_names_are_read_back() -> None:
    for scope in (EVERYTHING, SHOP, OFFERS):
        assert Scope.read(scope.name) == scope
    assert [scope.kind for scope in (EVERYTHING, SHOP, OFFERS)] == ["all", "account", "topic"]


def test_what_a_campaign_keeps_to() -> None:
    assert scopes_for("shop", "offers") == (EVERYTHING, SHOP, OFFERS)
    assert scopes_for("shop", None) == scopes_for("shop", "") == (EVERYTHING, SHOP)


def test_what_a_reply_opts_out_of() -> None:
    asked = [scope_of_reply(kind, "shop", "offers") for kind in ("all", "account", "topic")]
    assert asked == [EVERYTHING, SHOP, OFFERS]
    assert scope_of_reply("topic", "shop", "") == SHOP


def test_what_a_caller_names() -> None:
    assert scope_named(None, None) == EVERYTHING
    assert scope_named(None, "Offers") == Scope("default", "offers")
    assert scope_named("SHOP", None) == SHOP
    for account, topic in (
        ("", None),
        ("a b", None),
        ("магазин", None),
        ("shop", ""),
        ("shop", "a/b"),
        (None, "x" * 41),
    ):
        with pytest.raises(ValueError, match="must be"):
            scope_named(account, topic)


def test_each_scope_is_a_list_of_its_own(store: Store) -> None:
    listed = OptOuts(store)
    one, two = phones(2)
    for scope in (EVERYTHING, SHOP, OFFERS):
        assert listed.add([one], scope=scope) == 1
        assert listed.add([one], scope=scope) == 0
    listed.add([two], "a letter", "ann | sales", scope=OFFERS)
    assert [optout.scope for optout in listed.every_of(one)] == [EVERYTHING, SHOP, OFFERS]
    assert dict(listed.details(OFFERS))[two] == listed.of(two, [OFFERS])
    assert sorted(listed.members(OFFERS)) == [one, two]
    assert listed.sizes() == {EVERYTHING: 1, SHOP: 1, OFFERS: 2}
    # Opting in again to the topic, or to everything, undoes nothing else.
    assert listed.remove([one], scope=OFFERS) == 1
    assert listed.remove([one]) == 1
    assert [optout.scope for optout in listed.every_of(one)] == [SHOP]
    assert listed.of(one) is None
    found = listed.of(two, scopes_for("shop", "offers"))
    assert found is not None
    assert (found.why, found.by, found.scope) == ("a letter", "ann / sales", OFFERS)


def test_a_scope_without_phones_leaves_nothing(store: Store) -> None:
    listed = OptOuts(store)
    listed.add(phones(2), scope=OFFERS)
    assert listed.remove(phones(1), scope=OFFERS) == 1
    assert listed.narrower() == [OFFERS]
    assert listed.remove(phones(2), scope=OFFERS) == 1
    assert listed.narrower() == []
    assert store.ask(Redis.exists, store.keys.optouts_of("shop/offers"), store.keys.optout_scopes()) == 0


def test_additions_to_any_scope_move_the_version(store: Store) -> None:
    listed = OptOuts(store)
    versions = [listed.checker().version]
    for scope in (OFFERS, SHOP, EVERYTHING):
        listed.add(phones(1), scope=scope)
        versions.append(listed.checker(scopes_for("other", None)).version)
    assert len(set(versions)) == 4
    listed.add(phones(1), scope=OFFERS)
    listed.remove(phones(1), scope=SHOP)
    # Who may be messaged again needs no check of what is planned.
    assert listed.checker().version == versions[-1]


def test_checker_says_what_is_listed(store: Store) -> None:
    """Whatever is opted out of what, and in whatever portions it is asked, both ways of asking agree with the truth."""
    chance, listed = random.Random(7), OptOuts(store)
    people = [f"37529{n:07d}" for n in range(400)]
    scopes = [EVERYTHING, SHOP, OFFERS, Scope("shop", "news"), Scope("other"), Scope("other", "offers")]
    truth = {scope: set(chance.sample(people, chance.choice([0, 3, 60, 200]))) for scope in scopes}
    for scope, out in truth.items():
        listed.add(out, scope=scope)
    for account, topic in (
        ("shop", "offers"),
        ("shop", "news"),
        ("shop", ""),
        ("other", "offers"),
        ("third", "offers"),
    ):
        reached = scopes_for(account, topic)
        out = set[str]().union(*(truth.get(scope, set()) for scope in reached))
        check = listed.checker(reached)
        for start in range(0, len(people), 50):
            some = people[start : start + 50]
            expected = [phone in out for phone in some]
            assert list(check(some)) in (expected, [] if not any(expected) else expected)
            assert listed.among(some, reached) == expected


def test_from_application_code(stage: Stage) -> None:
    optouts = Client.over(stage.services).optouts
    one, two = phones(2)
    assert optouts.add(["+375 29 100-00-00"], why="asked", by="ann", topic="Offers") == 1
    assert optouts.get(one) is None
    assert optouts.get(one, topic="news") is None
    found = optouts.get(one, topic="OFFERS")
    assert found is not None
    assert (found.account, found.topic, found.why) == ("default", "offers", "asked")
    assert optouts.all_of(one) == [found]
    assert list(optouts.every(topic="offers")) == [one]
    assert dict(optouts.details(account="default", topic="offers")) == {one: found}
    optouts.add([one], account="default")
    wider = optouts.get(one, topic="offers")
    assert isinstance(wider, OptOut)
    assert (wider.account, wider.topic) == ("default", "")
    assert optouts.all_of(one) == [wider, found]
    assert optouts.remove([one, two], topic="offers", by="ann") == 1
    assert optouts.sizes() == {EVERYTHING: 0, Scope("default"): 1}
    records = [
        (record.deed, record.of, record.detail, record.number) for record in Audit(stage.services.store).newest()
    ]
    assert records == [
        ("optouts.removed", "", "topic offers of account default", 1),
        ("optouts.added", "37529*****00", "account default", 1),
        ("optouts.added", "37529*****00", "topic offers of account default", 1),
    ]


def test_an_account_without_a_token_here(make_stage: Callable[..., Stage]) -> None:
    stage = make_stage(accounts={"shop": Secret(TOKEN)}, other_accounts=frozenset({"web"}))
    optouts = Client.over(stage.services).optouts
    assert optouts.add(phones(1), account="shop") == 1
    assert optouts.add(phones(1), account="web") == 1
    with pytest.raises(ValueError, match="'shpo' has no token: set CAMPAIGNS_TOKEN_SHPO"):
        optouts.add(phones(1), account="shpo")
    # What stands there from a time when it had one can be removed.
    assert optouts.remove(phones(1), account="shpo") == 0
