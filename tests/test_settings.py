"""Settings: typed, whole, and silent about secrets."""

from __future__ import annotations

import pickle
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from campaigns.errors import SettingsError
from campaigns.settings import Rate, Secret, Settings, token_variable, variable_of
from tests.support.documents import code, read, rows


def test_defaults() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings().gateway_url == "https://app.sms.by"


def test_values() -> None:
    settings = Settings.from_env(
        {
            "CAMPAIGNS_RATE_LIMIT": "5/60s",
            "CAMPAIGNS_GATEWAY_URL": "http://127.0.0.1:9/",
            "CAMPAIGNS_MESSAGE_COST": "0.049",
            "CAMPAIGNS_OPTOUT_WORDS": "STOP, Стоп",
            "CAMPAIGNS_FINAL_STATUSES": "DELIVERED",
            "UNRELATED": "x",
        }
    )
    assert settings.rate_limit == Rate(5, 60.0)
    assert settings.gateway_url == "http://127.0.0.1:9"
    assert settings.message_cost == Decimal("0.049")
    assert settings.optout_words == {"stop", "стоп"}
    assert {"DELIVERED", "READ"} <= settings.final_statuses


def test_every_bad_value_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(
            {
                "CAMPAIGNS_REDIS_URL": "localhost",
                "CAMPAIGNS_RATE_LIMIT": "fast",
                "CAMPAIGNS_GATEWAY_TIMEZONE": "Mars/Base",
                "CAMPAIGNS_CONCURRENCY": "-1",
                "CAMPAIGNS_TOKEN": " ",
                "CAMPAIGNS_TOKEN_SHOP_FILE": "/no/such/file",
                "CAMPAIGNS_PHONE_REGION": "Belarus",
                "CAMPAIGNS_ON_UNKNOWN": "guess",
                "CAMPAIGNS_REDIS": "typing error",
            }
        )
    assert len(caught.value.problems) == 9
    assert caught.value.problems["CAMPAIGNS_REDIS"] == "is not a setting"


def test_lease_covers_the_deadline() -> None:
    with pytest.raises(SettingsError, match="CAMPAIGNS_LEASE_S: must be at least"):
        Settings.from_env({"CAMPAIGNS_DEADLINE_S": "55"})


def test_expected_costs_need_a_price() -> None:
    with pytest.raises(SettingsError, match="CAMPAIGNS_APPROVAL_COST: needs CAMPAIGNS_MESSAGE_COST"):
        Settings.from_env({"CAMPAIGNS_APPROVAL_COST": "100"})


def test_daily_budgets() -> None:
    given = {"CAMPAIGNS_DAILY_BUDGET": "100", "CAMPAIGNS_DAILY_BUDGET_BIG_SHOP": "5000.5"}
    settings = Settings.from_env({**given, "CAMPAIGNS_MESSAGE_COST": "0.049"})
    assert settings.budget_of("default") == 100
    assert settings.budget_of("big_shop") == Decimal("5000.5")
    assert Settings().budget_of("default") is None
    for price in ({}, {"CAMPAIGNS_MESSAGE_COST": "0"}):
        with pytest.raises(SettingsError) as caught:
            Settings.from_env({**given, **price})
        assert set(caught.value.problems) == set(given)
    with pytest.raises(SettingsError, match="CAMPAIGNS_DAILY_BUDGET_SHOP: must be a number"):
        Settings.from_env({"CAMPAIGNS_DAILY_BUDGET_SHOP": "much"})


@pytest.mark.parametrize("name", ["CAMPAIGNS_DAILY_BUDGET_SHPO", "CAMPAIGNS_OPTOUT_WORDS_SHPO"])
def test_a_misspelt_account_is_noticed(name: str, tmp_path: Path) -> None:
    """Where there are tokens; a producer has none. Of a token that cannot be read, only that is said."""
    given = {name: "100", "CAMPAIGNS_MESSAGE_COST": "0.049"}
    Settings.from_env(given)
    Settings.from_env({**given, "CAMPAIGNS_TOKEN_SHPO": "t"})
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({**given, "CAMPAIGNS_TOKEN_SHOP": "t"})
    assert list(caught.value.problems) == [name]
    assert "is for an account without a token: set CAMPAIGNS_TOKEN_SHPO, or name" in caught.value.problems[name]
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({**given, "CAMPAIGNS_TOKEN": "t", "CAMPAIGNS_TOKEN_SHPO_FILE": str(tmp_path / "none")})
    assert list(caught.value.problems) == ["CAMPAIGNS_TOKEN_SHPO_FILE"]


@pytest.mark.parametrize("name", ["CAMPAIGNS_DAILY_BUDGET_WEB", "CAMPAIGNS_OPTOUT_WORDS_WEB"])
def test_accounts_whose_tokens_others_have(name: str) -> None:
    """Processes may share their settings and divide the tokens; a misspelt name is noticed all the same."""
    given = {name: "100", "CAMPAIGNS_MESSAGE_COST": "0.049", "CAMPAIGNS_OTHER_ACCOUNTS": "shop, WEB"}
    assert Settings.from_env({**given, "CAMPAIGNS_TOKEN_SHOP": "t"}).other_accounts == {"shop", "web"}
    for tokens in ({}, {"CAMPAIGNS_TOKEN_SHOP": "t"}):
        with pytest.raises(SettingsError) as caught:
            Settings.from_env({**given, **tokens, "CAMPAIGNS_OTHER_ACCOUNTS": "shop,wbe"})
        assert list(caught.value.problems) == [name]
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({**given, "CAMPAIGNS_TOKEN_SHOP": "t", "CAMPAIGNS_OTHER_ACCOUNTS": "shop;web"})
    assert list(caught.value.problems) == ["CAMPAIGNS_OTHER_ACCOUNTS"]


def test_money_is_counted_in_millionths() -> None:
    assert Settings.from_env({"CAMPAIGNS_MESSAGE_COST": "0.0490010000"}).message_cost == Decimal("0.049001")
    for finer in ("0.0000001", "1.2345678", "1.0000000000000000000000000000000001"):
        with pytest.raises(SettingsError, match="CAMPAIGNS_MESSAGE_COST: must have at most six decimals"):
            Settings.from_env({"CAMPAIGNS_MESSAGE_COST": finer})


def test_windows() -> None:
    names = ("CAMPAIGNS_SEND_BETWEEN", "CAMPAIGNS_SEND_ON", "CAMPAIGNS_SEND_ZONE")
    found = Settings.from_env(dict(zip(names, ("09:00 - 20:30", "mon, FRI", "recipient"), strict=True)))
    assert (found.send_between, found.send_on, found.send_zone) == ((540, 1230), {0, 4}, "recipient")
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(dict(zip(names, ("20:00-09:00", "monday", "Mars"), strict=True)))
    assert all(name in str(refused.value) for name in names)


def test_tokens(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    settings = Settings.from_env({"CAMPAIGNS_TOKEN": "plain", "CAMPAIGNS_TOKEN_BIG_SHOP_FILE": str(file)})
    assert settings.token("default").reveal() == "plain"
    assert settings.token("big_shop").reveal() == "from-file"
    with pytest.raises(SettingsError, match="CAMPAIGNS_TOKEN_OTHER"):
        settings.token("other")
    assert token_variable("big_shop") == "CAMPAIGNS_TOKEN_BIG_SHOP"


def test_secrets_stay_inside() -> None:
    settings = Settings.from_env({"CAMPAIGNS_TOKEN": "hunter2", "CAMPAIGNS_REDIS_URL": "redis://:pass4@h/0"})
    assert "hunter2" not in repr(settings) + str(settings) + f"{settings.accounts}"
    assert "pass4" not in repr(settings)
    with pytest.raises(TypeError):
        pickle.dumps(Secret("hunter2"))


def test_every_setting_is_documented() -> None:
    """With its default, and the sentence that the code has for it."""
    table = {code(cells[0])[0]: cells for cells in rows(read("deploy/guide/reference/settings.md"))}
    options = {variable_of(f.name): f for f in fields(Settings) if f.metadata}
    assert sorted(table) == sorted(options)
    for variable, (_, default, meaning) in table.items():
        field = options[variable]
        assert field.metadata["parse"](default) == field.default if default else not field.default
        assert meaning.startswith(field.metadata["about"])


def test_numbers_that_are_none_and_files_that_cannot_be(tmp_path: Path) -> None:
    """NaN, and a NUL in the name of a token's file or in the file, are named among the bad values."""
    file = tmp_path / "token"
    file.write_text("tok\0en", "utf-8")
    env = {
        "CAMPAIGNS_MESSAGE_COST": "nan",
        "CAMPAIGNS_LEASE_S": "nan",
        "CAMPAIGNS_DEADLINE_S": "sNaN",
        "CAMPAIGNS_TOKEN_FILE": str(file),
        "CAMPAIGNS_TOKEN_SHOP_FILE": "a\0b",
    }
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    assert set(caught.value.problems) == set(env)
