"""What the doctor checks of the work: beat, workers, their queues, and requests that wait for a person."""

from __future__ import annotations

from collections.abc import Iterator

from campaigns.cli.doctor.findings import FAIL, OK, WARN, Finding
from campaigns.cli.output.progress import duration
from campaigns.health.heartbeats import beats_at_once, consumed, lacking_token, last_tick_ms
from campaigns.ledger.states import HELD, UNKNOWN
from campaigns.names import BULK, POLL, QUEUES, QUICK, REPLIES
from campaigns.services import Services
from campaigns.settings import token_variable
from campaigns.store.commands import Redis, command
from campaigns.text.wording import counted

_TICK_S = 15.0
_LATE_S = 60.0
#: Polls that are due may take this long at the rate of their account; and an account acts again by then.
_READS_S, _SOON_MS = 120.0, 2_000
_NEWEST = 1000
#: The processes of the Procfile whose queue is not their name.
_PROCESSES = {REPLIES: POLL}
#: The queues whose work makes requests to the gateway.
_WITH_REQUESTS = (QUICK, BULK, POLL, REPLIES)


def check_workers(services: Services) -> Iterator[Finding]:
    """Raises StoreError."""
    live, now_ms = consumed(services.store), services.now_ms()
    yield _beat(services, now_ms)
    for queue in QUEUES:
        depth, since_ms = services.due.depth(queue, now_ms)
        late_s = (now_ms - since_ms) / 1000 if since_ms is not None else 0.0
        what, process = f"queue {queue}", _PROCESSES.get(queue, queue)
        if queue not in live:
            remedy = f"start the process `{process}` of the Procfile"
            yield Finding(FAIL, what, f"no worker consumes it; {depth:,} due", remedy)
        elif late_s > _LATE_S:
            remedy = f"start more workers for the queue {queue} (process `{process}`), and check their log"
            yield Finding(WARN, what, f"consumed, but {depth:,} due, the oldest for {late_s:,.0f} s", remedy)
        else:
            yield Finding(OK, what, f"consumed; {depth:,} due")
    yield from _divided_tokens(services, live)


def _divided_tokens(services: Services, live: set[str]) -> Iterator[Finding]:
    """The queues that are consumed, but by no worker that has the token of an account: this account pauses."""
    settings = services.settings
    if not settings.other_accounts:
        return
    queues = [queue for queue in _WITH_REQUESTS if queue in live]
    for account, lacking in lacking_token(services.store, settings.all_accounts, queues).items():
        found = f"none consumes {', '.join(lacking)}"
        remedy = f"set {token_variable(account)} for a worker of each of these queues"
        yield Finding(WARN, f"workers with the token of {account}", found, remedy)


def account_reads(services: Services) -> Iterator[Finding]:
    """Whether polls and fetches of replies keep up with what is sent, at their share of the rate. Raises StoreError."""
    settings, now_ms = services.settings, services.now_ms()
    soon_ms, rate = now_ms + _SOON_MS, settings.rate_limit
    due = [services.due.waiting(queue, now_ms, soon_ms) for queue in (POLL, REPLIES)]
    for account in settings.all_accounts:
        number = sum(one.get(account, 0) for one in due)
        left_s = 0.0 if rate.requests == 0 else number / (rate.requests / rate.window_s * settings.read_share)
        what, found = f"polls of {account}", f"{number:,} due"
        if left_s > _READS_S:
            remedy = (
                "let single messages be followed less (`follow`, `replies` of the job), or agree on a higher rate with "
                "the gateway, and raise CAMPAIGNS_RATE_LIMIT"
            )
            yield Finding(WARN, what, f"{found}, which takes {duration(left_s)} at their share of the rate", remedy)
        else:
            yield Finding(OK, what, found)


def _beat(services: Services, now_ms: int) -> Finding:
    last_ms = last_tick_ms(services.store)
    age_s = None if last_ms is None else (now_ms - last_ms) / 1000
    if age_s is None or age_s >= _TICK_S:
        seen = "no tick for minutes" if age_s is None else f"no tick for {age_s:.0f} s"
        return Finding(FAIL, "beat", f"{seen}: due work is not started", "start the process `beat`")
    beats = beats_at_once(services.store)
    if beats:
        found = f"{len(beats)} run at once: {', '.join(beats)}"
        return Finding(WARN, "beat", found, "stop all but one; several do no harm, but are probably a mistake")
    return Finding(OK, "beat", f"ticked {age_s:.0f} s ago")


def check_doubt(services: Services) -> Iterator[Finding]:
    """Requests that wait for a person, among the newest campaigns. Raises StoreError."""
    store = services.store
    ids = [raw.decode() for raw in store.ask(Redis.zrevrange, store.keys.index(), 0, _NEWEST - 1)]
    fields = [f"b:{HELD}", f"b:{UNKNOWN}"]
    counts = store.ask_many([command(Redis.hmget, store.keys.campaign(campaign_id), fields) for campaign_id in ids])
    held = {i: int(row[0]) for i, row in zip(ids, counts, strict=True) if int(row[0] or 0)}
    unknown = sum(int(row[1] or 0) for row in counts)
    if held:
        yield Finding(
            WARN,
            "doubt",
            f"{counted(sum(held.values()), 'request')} held for a person to decide about",
            f"check the gateway, then: campaigns resolve {next(iter(held))} --help",
        )
    else:
        yield Finding(OK, "doubt", f"{unknown:,} in doubt, being checked" if unknown else "none")
