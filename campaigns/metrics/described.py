"""Every metric: its name, type, labels, buckets, and a sentence that says what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from campaigns.accounts.pauses import CAUSES
from campaigns.gateway.noting import OK, OUTCOMES
from campaigns.ledger.states import ACCEPTED, BATCH_STATES, EXCLUDED, HELD, PLANNED, SENDING, UNKNOWN
from campaigns.measures import ACCEPTANCE, ARRIVAL, OTHER, REQUEST, SEEING
from campaigns.names import DUE_QUEUES, QUEUES
from campaigns.settings.values import OPTOUT_SCOPES

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"
PREFIX: Final = "campaigns_"

#: States that a batch leaves by itself, and with those that it leaves by a person.
BY_THEMSELVES: Final = (PLANNED, SENDING, UNKNOWN, ACCEPTED)
OPEN: Final = (PLANNED, SENDING, UNKNOWN, HELD, ACCEPTED)
#: Of these the store has lists.
LISTED: Final = (UNKNOWN, HELD)
#: Where a recipient ends up, or is planned.
OUTCOMES_OF_RECIPIENTS: Final = ("planned", *EXCLUDED, "accepted", "rejected", "cancelled", "written_off")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `labels` are names of `LABELS`; `bounds_s` the upper bounds of a histogram's buckets, in seconds."""

    name: str
    type: str
    about: str
    labels: tuple[str, ...] = ()
    bounds_s: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        return PREFIX + self.name


class Spread(NamedTuple):
    """What a histogram has seen: observations up to each bound and altogether, and the sum of them in seconds."""

    up_to: tuple[int, ...]
    number: int
    sum_s: float


class Sample(NamedTuple):
    """One number of a metric, with the values of its labels."""

    metric: Metric
    labels: tuple[str, ...]
    value: float | Spread


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


#: What the values of a label are. Each has few: none is ever a phone, a campaign or a batch.
LABELS: Final[dict[str, str]] = {
    "account": "the alias of an account",
    "answer": "`granted`, `rate`, `busy`, `paused`",
    "check": "`eviction`, `persistence`, `replicas`, `writing`",
    "currency": f"three letters, or `{OTHER}`",
    "group": "the name of a consumer group",
    "reason": "one of few sentences",
    "status": f"a status that the contract or the settings know, or `{OTHER}`",
    "type": "a type of event",
    "cause": ", ".join(f"`{cause}`" for cause in CAUSES),
    "from": "a state of a batch; empty: planning",
    "kind": "`bulk`, `list`, `quick`",
    "method": "a method of the gateway, such as `sendBulkViber`",
    "outcome": "see the metric",
    "queue": ", ".join(f"`{queue}`" for queue in QUEUES),
    "request": "`paid`, `quick` (paid, and may overtake), `read`",
    "scope": "what phones are opted out of: " + _words(OPTOUT_SCOPES),
    "state": "see the metric",
    "to": "a state of a batch: " + ", ".join(f"`{state}`" for state in BATCH_STATES) + "; empty: planning",
    "version": "the version of the package",
}


UP = Metric(
    "up", GAUGE, "1 if the store answered the exporter, else 0; then only `campaigns_build_info` comes besides."
)
BUILD = Metric("build_info", GAUGE, "Always 1.", ("version",))
READING = Metric("scrape_duration_seconds", GAUGE, "How long it took to read the store.")

REQUESTS = Metric(
    "gateway_requests_total",
    COUNTER,
    f"Requests to the gateway. Outcomes: {_words((OK, *OUTCOMES.values()))}. A `not_written` request never "
    "reached it; one in `doubt` may have. A request whose worker died before it was recorded is missing; polls with "
    "an unchanged answer count as `ok`.",
    ("account", "method", "outcome"),
)
REQUEST_SECONDS = Metric(
    "gateway_request_duration_seconds",
    HISTOGRAM,
    "From the first try to connect until the whole answer was there, or the request failed.",
    ("method",),
    REQUEST.bounds_s,
)
ANSWERS = Metric(
    "limiter_answers_total",
    COUNTER,
    "Answers of the rate limiter: permits that it granted, and where workers take what is due, why it granted none.",
    ("account", "request", "answer"),
)
IN_FLIGHT = Metric("limiter_in_flight", GAUGE, "Permits that are held: requests under way.", ("account",))
LIMIT = Metric("limiter_limit", GAUGE, "Requests of one account that may be under way at once.")
PAUSED = Metric(
    "account_paused",
    GAUGE,
    "1 while the account pauses for that cause, else 0. After `failures` it pauses until a request has succeeded.",
    ("account", "cause"),
)
PAUSED_UNTIL = Metric(
    "account_pause_until_timestamp_seconds",
    GAUGE,
    "When the account's pause ends; 0 if it does not pause.",
    ("account",),
)
FAILURES = Metric("account_failures_in_a_row", GAUGE, "Paid requests that failed one after the other.", ("account",))

BATCHES = Metric("batches", GAUGE, f"Batches in a state that they leave again: {_words(OPEN)}.", ("account", "state"))
OLDEST = Metric(
    "batches_oldest_seconds",
    GAUGE,
    "For how long the oldest batch has been `unknown` or `held`, or some campaign has had `planned` batches that may "
    "go out: not of drafts, nor while it pauses or before its time. 0 if there is none.",
    ("account", "state"),
)
MOVES = Metric("batch_moves_total", COUNTER, "Changes of the state of batches.", ("account", "from", "to"))
RECIPIENTS = Metric(
    "recipients_total",
    COUNTER,
    f"Recipients by what became of them: {_words(OUTCOMES_OF_RECIPIENTS)}. Who is accepted may still be rejected "
    "later, and who was rejected or cancelled be accepted after all.",
    ("account", "kind", "outcome"),
)
RECIPIENTS_NOW = Metric(
    "recipients_open",
    GAUGE,
    f"Recipients of batches in a state that they leave by themselves: {_words(BY_THEMSELVES)}.",
    ("account", "kind", "state"),
)

ACCEPTED_SECONDS = Metric(
    "enqueue_to_accepted_seconds",
    HISTOGRAM,
    "From the beginning of a campaign, or the time it is scheduled for, until the gateway accepted a batch, "
    "pauses included. One observation for each batch.",
    ("kind",),
    ACCEPTANCE.bounds_s,
)
DOUBLE = Metric("double_sends_total", COUNTER, "Messages that went out twice. It should stay 0.", ("account",))

DELIVERIES = Metric("deliveries_total", COUNTER, "Messages that reached a status.", ("account", "status"))
ARRIVAL_SECONDS = Metric(
    "delivery_latency_seconds",
    HISTOGRAM,
    "From the claim of a request, or its schedule, until a message was `DELIVERED` or `READ`, by the gateway's time.",
    ("status",),
    ARRIVAL.bounds_s,
)
SEEING_SECONDS = Metric(
    "status_staleness_seconds",
    HISTOGRAM,
    "From the gateway's time of a status until it was read here.",
    (),
    SEEING.bounds_s,
)
ODD = Metric(
    "odd_rows_total",
    COUNTER,
    "Parts of answers that could not be used; of rows that come again with each poll the most that one answer held. "
    "Unknown status words are among them.",
    ("account", "method", "reason"),
)
REPLIES = Metric("replies_total", COUNTER, "Replies that were stored.", ("account",))
OPTOUTS = Metric(
    "optouts", GAUGE, "Phones that are opted out; of accounts or topics once for each of these.", ("scope",)
)
CHARGED = Metric("cost_total", COUNTER, "What the gateway said that mailings cost.", ("account", "currency"))
TAKEN_BACK = Metric(
    "cost_taken_back_total", COUNTER, "By how much later figures of the gateway were lower.", ("account", "currency")
)
EXPECTED = Metric(
    "cost_expected",
    GAUGE,
    "What was accepted, at `CAMPAIGNS_MESSAGE_COST` each; missing if that is not set.",
    ("account",),
)
BUDGETS = Metric(
    "account_daily_budget",
    GAUGE,
    "What the account may spend today: `CAMPAIGNS_DAILY_BUDGET`, or what `campaigns budget` changed it to for today; "
    "missing if it has none.",
    ("account",),
)
BUDGETS_USED = Metric("account_daily_budget_used", GAUGE, "What is spent or reserved of today's budget.", ("account",))

EVENTS = Metric("events_total", COUNTER, "Events that were written.", ("type",))
ENTRIES = Metric("events_entries", GAUGE, "Entries of the event stream.")
CAP = Metric("events_cap", GAUGE, "The most that it holds: `CAMPAIGNS_EVENTS_CAP`.")
FULL = Metric("events_full", GAUGE, "1 while sending pauses because the stream is full of unread events, else 0.")
LAG = Metric(
    "group_lag_seconds",
    GAUGE,
    "Age of the oldest event that the group has not acknowledged; 0 if there is none.",
    ("group",),
)
PENDING = Metric(
    "group_pending", GAUGE, "Events that members of the group have taken and not acknowledged.", ("group",)
)
DEAD = Metric("group_dead_letters", GAUGE, "Events that the group could not process.", ("group",))

POLICY = Metric(
    "store_policy_ok",
    GAUGE,
    "1 if the server evicts nothing, writes everything to its append-only file at once as far as it tells, has as "
    "many replicas as `CAMPAIGNS_REPLICAS`, and its last write to that file succeeded; else 0.",
    ("check",),
)
MEMORY = Metric("store_memory_used_bytes", GAUGE, "What the server's data takes.")
MEMORY_LIMIT = Metric("store_memory_limit_bytes", GAUGE, "The most that it may take, `maxmemory`; 0 without a limit.")
CLOCK_AHEAD = Metric(
    "store_clock_ahead_seconds",
    GAUGE,
    "By how much the server's clock is ahead of that of the exporter's machine; negative if it is behind.",
)
CLOCK_CORRECTION = Metric(
    "store_clock_correction_seconds",
    GAUGE,
    "What is added to the server's clock, so that due times run on evenly after it was set.",
)
GATEWAY_AHEAD = Metric(
    "gateway_clock_ahead_seconds",
    GAUGE,
    "By how much the gateway's clock was ahead of the store's corrected clock, to a second; negative if it was behind. "
    "From the `Date` of the last answer; missing if the last quarter of an hour brought none.",
    ("account",),
)
REPLICAS = Metric("store_replicas", GAUGE, "Replicas that are connected to the server.")
REPLICAS_WANTED = Metric("store_replicas_wanted", GAUGE, "`CAMPAIGNS_REPLICAS`.")

DUE = Metric(
    "queue_due",
    GAUGE,
    f"Entries that are due, in the queues {_words(DUE_QUEUES)}. A campaign that is being handed out counts as one.",
    ("queue",),
)
OLDEST_DUE = Metric(
    "queue_oldest_due_seconds",
    GAUGE,
    "For how long a worker could have taken something from the queue. The time for which an account pauses or is at "
    "its limit does not count.",
    ("queue",),
)
CONSUMED = Metric("queue_consumed", GAUGE, "1 if a worker consumes the queue, else 0.", ("queue",))
WANTED = Metric(
    "workers_wanted",
    GAUGE,
    f"Processes of a pool that have something to do, for autoscaling, in the queues {_words(DUE_QUEUES)}. Never "
    "more than the rate and the concurrency of the accounts that can act allow; 0 if nothing is due.",
    ("queue",),
)
SUBMITTED = Metric(
    "submissions_waiting",
    GAUGE,
    "Messages with jobs that no worker has taken from the broker yet; missing if the broker does not answer.",
)
BELLS = Metric("bells", GAUGE, "Bells that were rung and that no worker has answered yet.", ("queue",))
BEATS = Metric("beats", GAUGE, "Beats that tick. There should be one.")
TICK = Metric(
    "beat_last_tick_timestamp_seconds",
    GAUGE,
    "When beat's last tick was carried out; 0 if that is over five minutes ago.",
)

METRICS: Final[tuple[Metric, ...]] = (
    UP, BUILD, READING,
    TICK, BEATS, CONSUMED, DUE, OLDEST_DUE, WANTED, SUBMITTED, BELLS,
    REQUESTS, REQUEST_SECONDS, ANSWERS, IN_FLIGHT, LIMIT, PAUSED, PAUSED_UNTIL, FAILURES,
    BATCHES, OLDEST, MOVES, RECIPIENTS_NOW, RECIPIENTS, ACCEPTED_SECONDS, DOUBLE,
    DELIVERIES, ARRIVAL_SECONDS, SEEING_SECONDS, ODD, REPLIES, OPTOUTS, CHARGED, TAKEN_BACK, EXPECTED,
    BUDGETS, BUDGETS_USED,
    EVENTS, ENTRIES, CAP, FULL, LAG, PENDING, DEAD,
    REPLICAS, REPLICAS_WANTED, POLICY, MEMORY, MEMORY_LIMIT, CLOCK_AHEAD, CLOCK_CORRECTION, GATEWAY_AHEAD,
)  # fmt: skip
