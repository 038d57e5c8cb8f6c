"""One frozen `Settings`, read from the environment once, with every bad value named together.

Each option's variable is its name in capitals behind `CAMPAIGNS_`: `redis_url` is `CAMPAIGNS_REDIS_URL`.
Tokens are apart: `CAMPAIGNS_TOKEN` belongs to the account `default` and `CAMPAIGNS_TOKEN_SHOP` to `shop`;
`CAMPAIGNS_TOKEN_FILE` and `CAMPAIGNS_TOKEN_SHOP_FILE` name files that hold them. `CAMPAIGNS_OPTOUT_WORDS_SHOP`
adds opt-out words for `shop` to those of `CAMPAIGNS_OPTOUT_WORDS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from campaigns.errors import SettingsError
from campaigns.settings import addresses, parsing
from campaigns.settings.environment import DEFAULT_ACCOUNT, PREFIX, is_token, ours, read_tokens, token_variable
from campaigns.settings.parsing import number as _number
from campaigns.settings.parsing import optional as _optional
from campaigns.settings.parsing import url as _url
from campaigns.statuses import DEFAULT_FINAL

__all__ = ["DEFAULT_ACCOUNT", "PREFIX", "Rate", "Secret", "Settings", "token_variable", "variable_of"]

_WORDS_VARIABLE = re.compile(r"CAMPAIGNS_OPTOUT_WORDS_(?P<alias>[A-Z0-9_]+)")


class Secret:
    """A value that no repr, format or pickle gives away. `reveal()` is the only way to it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        raise TypeError("a secret stays in its process")


class Rate(NamedTuple):
    """At most `requests` in any window of `window_s` seconds. No requests at all means no limit."""

    requests: int
    window_s: float

    def __str__(self) -> str:
        return f"{self.requests}/{self.window_s:g}" if self.requests else "off"


def _rate(raw: str) -> Rate:
    if raw == "off":
        return Rate(0, 1.0)
    match = re.fullmatch(r"(\d+)/(\d+(?:\.\d+)?)s?", raw)
    if match is None or int(match[1]) < 1 or float(match[2]) <= 0:
        raise ValueError("must be REQUESTS/SECONDS, such as 20/1 or 5/60, or off")
    return Rate(int(match[1]), float(match[2]))


def option(parse: Callable[[str], Any], default: Any, about: str, *, shown: bool = True) -> Any:
    """A setting: how its text is read, its default, a sentence for the documentation, a place in the repr."""
    return field(default=default, repr=shown, metadata={"parse": parse, "about": about})


_SECONDS: Final = _number(float, 0.001, 10_000_000)
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. `Settings.from_env(os.environ)` reads it; tests pass fields."""

    redis_url: str = option(
        addresses.store_url,
        "redis://127.0.0.1:6379/0",
        "where the ledger, the results and the events live",
        shown=False,  # may hold a password
    )
    broker_url: str | None = option(
        _optional(addresses.broker_url),
        None,
        "Celery's broker, Redis or RabbitMQ; unset: `redis_url`",
        shown=False,
    )
    replicas: int = option(
        _number(int, 0, 100), 0, "replicas of the store that must have what a failover must not lose, before it counts"
    )
    replicas_wait_s: float = option(
        _number(float, 0.001, 30), 4.0, "how long a write waits for them; then it counts as unsafe, and is not acted on"
    )
    key_prefix: str = option(parsing.text, "campaigns:", "stands before every Redis key, so that an ACL can fence them")

    gateway_url: str = option(_url("http", "https"), "https://app.sms.by", "the gateway's host")
    gateway_timezone: ZoneInfo = option(
        parsing.zone, ZoneInfo("Europe/Minsk"), "the zone of the gateway's times, which carry none"
    )
    gateway_ca_file: str | None = option(
        _optional(parsing.ca_file),
        None,
        "authorities that sign the gateway's certificate or its proxy's, as PEM; unset: the usual",
    )
    connect_timeout_s: float = option(_SECONDS, 5.0, "to connect, TLS included")
    deadline_s: float = option(_SECONDS, 30.0, "one whole request, from name look-up to the last byte of the answer")
    read_attempts: int = option(_number(int, 1, 20), 4, "tries of a request that costs nothing")
    rate_limit: Rate = option(_rate, Rate(20, 1.0), "requests per account in any window: REQUESTS/SECONDS, or off")
    concurrency: int = option(_number(int, 1, 10_000), 16, "requests of one account under way at once")
    read_share: float = option(_number(float, 0.01, 1), 0.5, "the share of rate and concurrency that polling may use")
    overlap: int = option(_number(int, 1, 256), 32, "requests that one worker process has under way at once")
    penalty_s: float = option(_SECONDS, 120.0, "an account's pause after a 429 without Retry-After")
    retry_after_max_s: float = option(_SECONDS, 3600.0, "the longest pause that a 429 with Retry-After may ask for")
    account_pause_s: float = option(
        _SECONDS, 600.0, "an account's pause after it was refused; the longest after failures"
    )
    failures_before_pause: int = option(
        _number(int, 1, 1_000_000), 5, "failed paid requests in a row that pause the account"
    )
    probe_after_s: float = option(
        _SECONDS, 15.0, "one request tries so long after such failures, then at twice the distance each time"
    )

    recipients_per_request: int = option(_number(int, 1, 100_000), 1000, "recipients that one sendBulkViber carries")
    phone_region: str = option(parsing.region, "BY", "the country of phones written without one")
    text_length: int = option(
        _number(int, 1, 1_000_000), 1000, "most characters of a text, a caption or a button of a Viber message"
    )
    sms_text_length: int = option(
        _number(int, 1, 1_000_000), 670, "most characters of a quick message that is forwarded as SMS"
    )
    image_bytes: int = option(_number(int, 1, 50_000_000), 2_000_000, "largest image file a job may carry")
    message_cost: Decimal | None = option(
        _optional(_number(Decimal, 0, 1_000_000)), None, "expected price of one message; `max_cost` needs it"
    )
    approval_recipients: int | None = option(
        _optional(_number(int, 1, 2**53)),
        None,
        "from so many recipients on a campaign waits as a draft until somebody else approves it; list mailings always",
    )
    approval_cost: Decimal | None = option(
        _optional(_number(Decimal, 0, 1_000_000_000)), None, "the same from this expected cost on; needs `message_cost`"
    )
    confirm_cost: Decimal | None = option(
        _optional(_number(Decimal, 0, 1_000_000_000)), None, "from it on resending what is held takes two people"
    )

    send_between: tuple[int, int] | None = option(
        _optional(parsing.between),
        None,
        "from when until when jobs that do not say it may go out, such as 09:00-20:00",
    )
    send_on: frozenset[int] | None = option(
        _optional(parsing.weekdays), None, "on which weekdays they may, comma separated, such as mon,tue,wed"
    )
    send_zone: str | None = option(
        _optional(parsing.window_zone), None, "whose clock that is: a zone, or `recipient`; unset: `gateway_timezone`"
    )

    submission_bytes: int = option(
        _number(int, 10_000, 500_000_000), 16_000_000, "largest body of a submitted message; `enqueue` takes any number"
    )

    callback_base_url: str | None = option(
        _optional(_url("http", "https")), None, "where the gateway reaches `campaigns callbacks`; unset: no callbacks"
    )

    lease_s: float = option(_SECONDS, 60.0, "how long a worker owns a batch; at least `deadline_s` + 10")
    planning_lease_s: float = option(_SECONDS, 300.0, "silence after which a plan under way counts as abandoned")
    settle_window_s: float = option(_SECONDS, 900.0, "how long evidence of a doubtful request may take to show")
    check_interval_s: float = option(_SECONDS, 60.0, "least time between two looks for a doubtful batch")
    on_unknown: str = option(
        parsing.choice("hold", "resend"), "hold", "what follows once absence is proven, if the job does not say"
    )

    poll_fraction: float = option(_number(float, 0.01, 10), 0.25, "next poll after this fraction of the age")
    single_poll_fraction: float = option(
        _number(float, 0.01, 10),
        1.2,
        "the same where a request carries one recipient; replies to it are fetched after three times as much",
    )
    poll_min_s: float = option(_SECONDS, 3.0, "least time between two polls of a batch")
    poll_horizon_s: float = option(_SECONDS, 3 * _DAY_S, "age at which silent deliveries become UNKNOWN_FINAL")
    reply_window_s: float = option(_SECONDS, 3 * _DAY_S, "how long replies to a mailing are fetched")
    final_statuses: frozenset[str] = option(
        parsing.statuses, DEFAULT_FINAL, "further delivery statuses that are final, comma separated"
    )
    optout_words: frozenset[str] = option(
        parsing.words, frozenset(), "replies that opt a phone out, comma separated, such as STOP,СТОП"
    )

    retention_s: float = option(_SECONDS, 30 * _DAY_S, "how long a finished campaign stays readable")
    key_retention_s: float = option(
        _number(float, 1, 10_000_000_000),
        400 * _DAY_S,
        "how long a key is remembered after its campaign ended; never less than `retention_s`",
    )
    schedule_lead_s: float = option(
        _number(float, 0, 10_000_000_000),
        300.0,
        "how long before its time what is scheduled is handed over: the gateway cannot take it back",
    )
    body_retention_s: float = option(
        _SECONDS, 7 * _DAY_S, "how long an unsent request body is kept, from when it may be sent, while no worker runs"
    )
    events_life_s: float = option(
        _SECONDS, _DAY_S, "how long an event is kept while there is room; none is dropped that a group has yet to read"
    )
    events_cap: int = option(
        _number(int, 100, 1_000_000_000),
        1_000_000,
        "most entries of the event stream: what every group has read makes room, unread ones pause sending",
    )

    ping_url: str | None = option(
        _optional(parsing.page), None, "a dead man's switch that beat asks for once a minute; unset: none", shown=False
    )
    log_format: str = option(
        parsing.choice("text", "json"),
        "text",
        "lines of our logs: text for people, or json, one object a line",
    )
    audit_retention_s: float = option(
        _number(float, 1, 10_000_000_000), 400 * _DAY_S, "how long it is kept who did what: `campaigns audit`"
    )

    signs_folder: str | None = option(
        _optional(parsing.text),
        None,
        "where the processes of a machine leave the signs of life that `campaigns alive` reads; "
        "unset: `viber-campaigns-UID` in the folder for temporary files",
    )

    accounts: Mapping[str, Secret] = field(default_factory=dict)
    #: Further opt-out words by account.
    account_optout_words: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read all settings. Raises SettingsError with every bad variable at once."""
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        words: dict[str, frozenset[str]] = {}
        known = {variable_of(f.name): f for f in fields(cls) if f.metadata}
        found = ours(env)
        for variable in found:
            if variable in known:
                try:
                    values[known[variable].name] = known[variable].metadata["parse"](found[variable])
                except ValueError as error:
                    problems[variable] = str(error)
            elif match := _WORDS_VARIABLE.fullmatch(variable):
                words[match["alias"].lower()] = parsing.words(found[variable])
            elif not is_token(variable):
                problems[variable] = "is not a setting"
        accounts = {alias: Secret(token) for alias, token in read_tokens(found, problems).items()}
        settings = cls(accounts=accounts, account_optout_words=words, **values)
        # Nothing is held against a value that could not be read: its default stands in for it.
        if not problems.keys() & {variable_of("lease_s"), variable_of("deadline_s"), variable_of("message_cost")}:
            problems |= settings._contradictions()
        if not problems:
            return settings
        # They hold tokens and passwords, and a crash reporter shows the locals of a frame that fails.
        del env, found, values
        raise SettingsError(problems)

    def token(self, account: str) -> Secret:
        """The account's token. Raises SettingsError, which names the variable to set."""
        try:
            return self.accounts[account]
        except KeyError:
            raise SettingsError({token_variable(account): "is not set"}) from None

    def words_of(self, account: str) -> frozenset[str]:
        """The replies that opt a phone out of the account's campaigns: those of all accounts and its own."""
        return self.optout_words | self.account_optout_words.get(account, frozenset())

    def _contradictions(self) -> dict[str, str]:
        if self.lease_s < self.deadline_s + 10:
            return {variable_of("lease_s"): f"must be at least deadline_s + 10 = {self.deadline_s + 10:g}"}
        costs = {"approval_cost": self.approval_cost, "confirm_cost": self.confirm_cost}
        lacking = [name for name, cost in costs.items() if cost is not None and self.message_cost is None]
        return {variable_of(name): f"needs {variable_of('message_cost')}" for name in lacking}


def variable_of(name: str) -> str:
    """The environment variable of the setting `name`."""
    return PREFIX + name.upper()
