"""The frozen `Settings`, read from the environment once. All bad values are reported together.

A setting's variable is `CAMPAIGNS_` and its name in capitals: `redis_url` is `CAMPAIGNS_REDIS_URL`. Tokens belong to
accounts: `CAMPAIGNS_TOKEN` is the token of the account `default`, and `CAMPAIGNS_TOKEN_SHOP` that of `shop`.
`CAMPAIGNS_TOKEN_FILE` and `CAMPAIGNS_TOKEN_SHOP_FILE` are paths of files with a token. `CAMPAIGNS_OPTOUT_WORDS_SHOP`
adds opt-out words for `shop` to those of `CAMPAIGNS_OPTOUT_WORDS`, and `CAMPAIGNS_DAILY_BUDGET_SHOP` replaces
`CAMPAIGNS_DAILY_BUDGET` for `shop`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from campaigns.errors import SettingsError
from campaigns.settings import addresses, environment, parsing
from campaigns.settings.environment import token_variable, variable_of
from campaigns.settings.parsing import number as _number
from campaigns.settings.parsing import optional as _optional
from campaigns.settings.parsing import url as _url
from campaigns.settings.prices import without_price
from campaigns.settings.values import MOST_DAYS, MOST_MESSAGES, OPTOUT_SCOPES, OVER_ALL, PER_ACCOUNT, Rate, Secret, rate
from campaigns.statuses import DEFAULT_FINAL


def option(parse: Callable[[str], Any], default: Any, about: str, *, shown: bool = True) -> Any:
    """A field of Settings: `parse` reads its text, `about` is for the documentation, `shown` in the repr."""
    return field(default=default, repr=shown, metadata={"parse": parse, "about": about})


_SECONDS: Final = _number(float, 0.001, 10_000_000)
_DAY_S: Final = 86_400.0
_MONEY: Final = parsing.money(1_000_000_000)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. `Settings.from_env(os.environ)` reads them; tests pass fields. Names ending in `_s` are seconds."""

    redis_url: str = option(
        addresses.store_url,
        "redis://127.0.0.1:6379/0",
        "the Redis that holds campaigns, results and events",
        shown=False,  # may hold a password
    )
    broker_url: str | None = option(
        _optional(addresses.broker_url), None, "Celery's broker, Redis or RabbitMQ; unset: `redis_url`", shown=False
    )
    replicas: int = option(
        _number(int, 0, 100), 0, "number of Redis replicas that must have a critical write before it counts as done"
    )
    replicas_wait_s: float = option(
        _number(float, 0.001, 30), 4.0, "longest wait for these replicas; a write that lacks them then is not acted on"
    )
    key_prefix: str = option(parsing.text, "campaigns:", "prefix of every Redis key, so that an ACL can name them")

    gateway_url: str = option(_url("http", "https"), "https://app.sms.by", "the gateway's host")
    gateway_timezone: ZoneInfo = option(
        parsing.zone, ZoneInfo("Europe/Minsk"), "time zone of the gateway's times, which state none"
    )
    gateway_ca_file: str | None = option(
        _optional(parsing.ca_file),
        None,
        "PEM file of the authorities that may sign the gateway's certificate, or a proxy's; unset: those of certifi",
    )
    connect_timeout_s: float = option(_SECONDS, 5.0, "limit on connecting to the gateway, TLS included")
    deadline_s: float = option(_SECONDS, 30.0, "limit on a whole request, from name look-up to the last byte")
    read_attempts: int = option(_number(int, 1, 20), 4, "attempts at a request that costs nothing")
    rate_limit: Rate = option(rate, Rate(20, 1.0), "most requests of an account: REQUESTS/SECONDS, or off")
    concurrency: int = option(_number(int, 1, 10_000), 16, "most requests of an account under way at once")
    read_share: float = option(_number(float, 0.01, 1), 0.5, "the share of rate and concurrency that polling may use")
    overlap: int = option(_number(int, 1, 256), 32, "most requests of a worker process under way at once")
    penalty_s: float = option(_SECONDS, 120.0, "pause of an account after a 429 without Retry-After")
    retry_after_max_s: float = option(_SECONDS, 3600.0, "longest pause that a 429 with Retry-After may ask for")
    account_pause_s: float = option(
        _SECONDS, 600.0, "pause of an account after the gateway refused it; also the longest pause after failures"
    )
    failures_before_pause: int = option(
        _number(int, 1, 1_000_000), 5, "failed paid requests in a row that pause the account"
    )
    probe_after_s: float = option(
        _SECONDS, 15.0, "time from such failures to a trial request; each further trial waits twice as long"
    )

    recipients_per_request: int = option(_number(int, 1, 100_000), 1000, "most recipients in one sendBulkViber")
    phone_region: str = option(parsing.region, "BY", "country of phones that are written without a country code")
    text_length: int = option(
        _number(int, 1, 1_000_000), 1000, "most characters of a text, a caption or a button of a Viber message"
    )
    sms_text_length: int = option(
        _number(int, 1, 1_000_000), 670, "most characters of a quick message that is forwarded as SMS"
    )
    image_bytes: int = option(_number(int, 1, 50_000_000), 2_000_000, "largest image file a job may carry")
    message_cost: Decimal | None = option(
        _optional(parsing.money(1_000_000)), None, "expected price of one message; `max_cost` needs it"
    )
    approval_recipients: int | None = option(
        _optional(_number(int, 1, 2**53)),
        None,
        "campaigns with this many recipients or more, and all list mailings, are drafts until another person approves",
    )
    approval_cost: Decimal | None = option(_optional(_MONEY), None, "the same by expected cost; needs `message_cost`")
    confirm_cost: Decimal | None = option(
        _optional(_MONEY), None, "cost from which a resend needs a second person to confirm"
    )
    daily_budget: Decimal | None = option(
        _optional(_MONEY),
        None,
        "most that an account may spend in a day of `gateway_timezone`, by expected prices; needs `message_cost`",
    )
    cost_drift: float = option(
        _number(float, 0, 1000), 0.2, "share by which a mean price may exceed `message_cost` before an event reports it"
    )
    cost_drift_messages: int = option(
        _number(int, 1, 1_000_000_000), 100, "least number of messages with a price for this comparison"
    )

    send_between: tuple[int, int] | None = option(
        _optional(parsing.between), None, "daily window of jobs that name none, such as 09:00-20:00; unset: any time"
    )
    send_on: frozenset[int] | None = option(
        _optional(parsing.weekdays), None, "weekdays of jobs that name none, comma separated, such as mon,tue,wed"
    )
    send_zone: str | None = option(
        _optional(parsing.window_zone), None, "time zone of these windows, or `recipient`; unset: `gateway_timezone`"
    )

    cap_messages: int | None = option(
        _optional(_number(int, 1, MOST_MESSAGES)),
        None,
        "frequency cap: most campaign messages to a phone in `cap_days` days; transactional jobs and tests are exempt",
    )
    cap_days: int = option(_number(int, 1, MOST_DAYS), 7, "the days of this cap, today included, in `gateway_timezone`")
    cap_scope: str = option(
        parsing.choice(PER_ACCOUNT, OVER_ALL), OVER_ALL, "whose messages this cap counts: those of the account, or all"
    )

    suppress_after: int | None = option(
        _optional(_number(int, 1, 1000)),
        None,
        "campaign messages in a row that did not reach a phone, after which it is excluded until it is seen again",
    )

    submission_bytes: int = option(
        _number(int, 10_000, 500_000_000), 16_000_000, "largest body, in bytes, of a message to `campaigns.submit`"
    )

    callback_base_url: str | None = option(
        _optional(_url("http", "https")), None, "where the gateway reaches `campaigns callbacks`; unset: none"
    )

    lease_s: float = option(_SECONDS, 60.0, "how long a worker's claim on a batch lasts; at least `deadline_s` + 10")
    planning_lease_s: float = option(_SECONDS, 300.0, "time without progress after which an unfinished plan is dropped")
    settle_window_s: float = option(_SECONDS, 900.0, "how long evidence of a request in doubt may take to appear")
    check_interval_s: float = option(_SECONDS, 60.0, "least time between two checks of the listing")
    on_unknown: str = option(
        parsing.choice("hold", "resend"), "hold", "what follows proven absence of a request, if the job does not say"
    )

    poll_fraction: float = option(_number(float, 0.01, 10), 0.25, "time to the next poll, as a part of the age")
    single_poll_fraction: float = option(
        _number(float, 0.01, 10),
        1.2,
        "`poll_fraction` for requests with one recipient; their replies are polled after three times this part",
    )
    poll_min_s: float = option(_SECONDS, 3.0, "least time between two polls of a batch")
    poll_horizon_s: float = option(_SECONDS, 3 * _DAY_S, "age at which open deliveries become UNKNOWN_FINAL")
    reply_window_s: float = option(_SECONDS, 3 * _DAY_S, "how long replies to a mailing are polled")
    final_statuses: frozenset[str] = option(
        parsing.statuses, DEFAULT_FINAL, "further delivery statuses that are final, comma separated"
    )
    optout_words: frozenset[str] = option(
        parsing.words, frozenset(), "replies that opt a phone out, comma separated, such as STOP,СТОП"
    )
    optout_scope: str = option(
        parsing.choice(*OPTOUT_SCOPES),
        OPTOUT_SCOPES[0],
        "what such a reply opts out of: everything (`all`), the campaign's `account`, or its `topic` if it has one",
    )

    retention_s: float = option(_SECONDS, 30 * _DAY_S, "how long a finished campaign stays in Redis")
    key_retention_s: float = option(
        _number(float, 1, 10_000_000_000),
        400 * _DAY_S,
        "how long a key is kept after its campaign ended; never less than `retention_s`",
    )
    schedule_lead_s: float = option(
        _number(float, 0, 10_000_000_000),
        300.0,
        "how long before its time a scheduled mailing is sent to the gateway, which cannot cancel it",
    )
    body_retention_s: float = option(
        _SECONDS, 7 * _DAY_S, "how long a request body that may be sent is kept while no worker sends it"
    )
    events_life_s: float = option(
        _SECONDS, _DAY_S, "how long events are kept; an event that a group has yet to read is kept longer"
    )
    events_cap: int = option(
        _number(int, 100, 1_000_000_000),
        1_000_000,
        "most entries of the event stream; sending pauses while it is full of entries that a group has yet to read",
    )

    ping_url: str | None = option(
        _optional(parsing.page), None, "URL of a dead man's switch, requested by beat once a minute", shown=False
    )
    log_format: str = option(
        parsing.choice("text", "json"), "text", "format of log lines: text for people, or json with one object per line"
    )
    audit_retention_s: float = option(
        _number(float, 1, 10_000_000_000), 400 * _DAY_S, "how long audit records are kept, see `campaigns audit`"
    )

    signs_folder: str | None = option(
        _optional(parsing.text),
        None,
        "folder in which the processes of a machine leave the signs of life that `campaigns alive` reads; "
        "unset: `viber-campaigns-UID` in the folder for temporary files",
    )

    other_accounts: frozenset[str] = option(
        parsing.aliases,
        frozenset(),
        "accounts whose tokens only other processes have, comma separated: workers leave their requests to those",
    )

    accounts: Mapping[str, Secret] = field(default_factory=dict)
    #: Additional opt-out words by account.
    account_optout_words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Daily budgets by account, for those that have one of their own.
    account_daily_budgets: Mapping[str, Decimal] = field(default_factory=dict)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read all settings. Raises SettingsError with all bad variables."""
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        words: dict[str, frozenset[str]] = {}
        budgets: dict[str, Decimal] = {}
        known = {variable_of(f.name): f for f in fields(cls) if f.metadata}
        found = environment.ours(env)
        for variable in found:
            if variable in known:
                try:
                    values[known[variable].name] = known[variable].metadata["parse"](found[variable])
                except ValueError as error:
                    problems[variable] = str(error)
            elif alias := environment.account_in(variable, "OPTOUT_WORDS"):
                words[alias] = parsing.words(found[variable])
            elif alias := environment.account_in(variable, "DAILY_BUDGET"):
                try:
                    budgets[alias] = _MONEY(found[variable])
                except ValueError as error:
                    problems[variable] = str(error)
            elif not environment.is_token(variable):
                problems[variable] = "is not a setting"
        accounts = {alias: Secret(token) for alias, token in environment.read_tokens(found, problems).items()}
        problems |= environment.strangers(found, {*accounts, *values.get("other_accounts", ())}, problems)
        settings = cls(accounts=accounts, account_optout_words=words, account_daily_budgets=budgets, **values)
        # The default stands in for a value that could not be read, so that it causes no further problem.
        if not problems.keys() & {variable_of("lease_s"), variable_of("deadline_s"), variable_of("message_cost")}:
            problems |= settings._contradictions()
        if not problems:
            return settings
        # These hold tokens and passwords, and crash reporters show the local variables of a failing frame.
        del env, found, values
        raise SettingsError(problems)

    def token(self, account: str) -> Secret:
        """The account's token. Raises SettingsError, which names the missing variable."""
        try:
            return self.accounts[account]
        except KeyError:
            raise SettingsError({token_variable(account): "is not set"}) from None

    @property
    def all_accounts(self) -> list[str]:
        """Those that have a token here, and those whose token other processes have."""
        return sorted({*self.accounts, *self.other_accounts})

    def words_of(self, account: str) -> frozenset[str]:
        """The replies that opt a phone out, for this account: those for all accounts and its own."""
        return self.optout_words | self.account_optout_words.get(account, frozenset())

    def budget_of(self, account: str) -> Decimal | None:
        """The most that an account may spend in a day; None if it has no budget."""
        return self.account_daily_budgets.get(account, self.daily_budget)

    def _contradictions(self) -> dict[str, str]:
        if self.lease_s < self.deadline_s + 10:
            return {variable_of("lease_s"): f"must be at least deadline_s + 10 = {self.deadline_s + 10:g}"}
        costs = {"approval_cost": self.approval_cost, "confirm_cost": self.confirm_cost}
        own = {f"daily_budget_{account}": budget for account, budget in self.account_daily_budgets.items()}
        return without_price(self.message_cost, costs, {"daily_budget": self.daily_budget, **own})
