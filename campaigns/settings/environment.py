"""The project's environment variables: which are settings, which are tokens, and which belong to Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

PREFIX: Final = "CAMPAIGNS_"
DEFAULT_ACCOUNT: Final = "default"
#: Names accounts whose tokens only other processes have.
OTHER_ACCOUNTS: Final = "CAMPAIGNS_OTHER_ACCOUNTS"
#: The form of an account's alias in a job. A variable's name has it in capitals.
ALIAS: Final = re.compile(r"[a-z0-9_]{1,64}(?<!_file)")

_TOKEN_VARIABLE = re.compile(r"CAMPAIGNS_TOKEN(?:_(?P<alias>[A-Z0-9_]+?))??(?P<file>_FILE)?")
_OF_AN_ACCOUNT = re.compile(r"CAMPAIGNS_(?P<setting>OPTOUT_WORDS|DAILY_BUDGET)_(?P<alias>[A-Z0-9_]+)")
_OF_A_SERVICE = re.compile(
    r"CAMPAIGNS(?:_[A-Z0-9_]+)?_"
    r"(?:(?P<host>SERVICE_HOST)|(?P<number>SERVICE_PORT(?:_[A-Z0-9_]+)?)|PORT(?P<suffix>_\d+_(?:TCP|UDP|SCTP)"
    r"(?:_(?:PROTO|PORT|ADDR))?)?)"
)


def ours(env: Mapping[str, str]) -> dict[str, str]:
    """The variables that begin with `CAMPAIGNS_`, without those that Kubernetes sets in every container.

    For any Service called `campaigns-callbacks` Kubernetes sets `CAMPAIGNS_CALLBACKS_SERVICE_HOST`,
    `CAMPAIGNS_CALLBACKS_SERVICE_PORT_HTTP`, `CAMPAIGNS_CALLBACKS_PORT=tcp://10.0.0.1:80`,
    `CAMPAIGNS_CALLBACKS_PORT_80_TCP_ADDR` and more.
    """
    return {name: value for name, value in env.items() if name.startswith(PREFIX) and not _of_a_service(name, value)}


def variable_of(name: str) -> str:
    """The environment variable of the setting `name`."""
    return PREFIX + name.upper()


def token_variable(account: str) -> str:
    """The environment variable that holds the token of `account`."""
    return PREFIX + "TOKEN" + ("" if account == DEFAULT_ACCOUNT else "_" + account.upper())


def is_token(variable: str) -> bool:
    """Whether a variable holds a token, or the path of a file that does."""
    return _TOKEN_VARIABLE.fullmatch(variable) is not None


def read_tokens(env: Mapping[str, str], problems: dict[str, str]) -> dict[str, str]:
    """The tokens by account. Adds problems by variable to `problems`, without quoting any token."""
    tokens: dict[str, str] = {}
    for variable, raw in sorted(env.items()):
        match = _TOKEN_VARIABLE.fullmatch(variable)
        if match is None:
            continue
        alias = (match["alias"] or DEFAULT_ACCOUNT).lower()
        try:
            token = (Path(raw).read_text(encoding="utf-8-sig") if match["file"] else raw).strip()
        except (OSError, ValueError) as error:
            problems[variable] = f"cannot be read: {type(error).__name__}"
            continue
        if not token or not token.isprintable():
            problems[variable] = "holds no token"
        elif alias in tokens:
            problems[variable] = f"gives the account {alias!r} a second token"
        else:
            tokens[alias] = token
    return tokens


def account_in(variable: str, setting: str) -> str | None:
    """The alias of the account for which a variable gives `setting`; None if it is another variable."""
    match = _OF_AN_ACCOUNT.fullmatch(variable)
    return match["alias"].lower() if match and match["setting"] == setting else None


def strangers(env: Mapping[str, str], known: Collection[str], problems: Collection[str]) -> dict[str, str]:
    """Variables for an account that is not `known`, each with what is wrong: its alias may be misspelt.

    Known are accounts that have a token here, and those whose token other processes are said to have. None if no
    account is known, since processes without tokens may share these variables with those that have them; and none
    while a token, or the list of the others, is among the variables with `problems`.
    """
    if not known or any(is_token(variable) or variable == OTHER_ACCOUNTS for variable in problems):
        return {}
    of_accounts = [match for match in map(_OF_AN_ACCOUNT.fullmatch, env) if match]
    aliases = {match[0]: match["alias"].lower() for match in of_accounts}
    return {
        variable: f"is for an account without a token: set {token_variable(alias)}, or name the account in "
        f"{OTHER_ACCOUNTS} if other processes have its token"
        for variable, alias in aliases.items()
        if alias not in known
    }


def _of_a_service(variable: str, value: str) -> bool:
    match = _OF_A_SERVICE.fullmatch(variable)
    if match is None:
        return False
    if match["host"] or (match["suffix"] or "").endswith("_ADDR"):
        return _is_address(value)
    if match["number"] or (match["suffix"] or "").endswith("_PORT"):
        return value.isdecimal()
    if (match["suffix"] or "").endswith("_PROTO"):
        return value in {"tcp", "udp", "sctp"}
    return re.fullmatch(r"(tcp|udp|sctp)://\S+:\d+", value) is not None


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True
