"""Campaigns as wholes: read, listed, paused, resumed, cancelled, retired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from campaigns.acts import APPLICATION, Act, Deed, packed, same_person
from campaigns.errors import ApprovalError, StateError, UnknownCampaignError
from campaigns.ledger.due_kinds import SEND, queue_of
from campaigns.ledger.index import CampaignIndex
from campaigns.ledger.records import Campaign
from campaigns.ledger.states import CAMPAIGN_REACHED_FROM, CANCELLING, DRAFT, OVER, PAUSED, READY
from campaigns.names import CONTROL
from campaigns.portions import portions
from campaigns.recipients.exclusions import Excluded
from campaigns.store.client import Store, decoded
from campaigns.store.commands import Redis, command

_PER_ROUND_TRIP = 500
_CAMPAIGNS_PER_ROUND_TRIP = 50
_MOST_BRIEFS = 1000


@dataclass(frozen=True, slots=True)
class CampaignRoute:
    """What a request needs to know of its campaign."""

    kind: str
    account: str
    callback_url: str | None


class Campaigns:
    """Every method may raise StoreError; those that take an id, UnknownCampaignError."""

    def __init__(self, store: Store, *, key_life_ms: int = 0) -> None:
        self._store = store
        self._keys = store.keys
        self._key_life_ms = key_life_ms
        self.index = CampaignIndex(store)
        self._routes: dict[str, CampaignRoute] = {}

    def read(self, campaign_id: str) -> Campaign:
        fields = decoded(self._store.ask(Redis.hgetall, self._keys.campaign(campaign_id)))
        if not fields:
            raise UnknownCampaignError(campaign_id)
        return Campaign.read(campaign_id, fields)

    def exists(self, campaign_id: str) -> bool:
        return bool(self._store.ask(Redis.exists, self._keys.campaign(campaign_id)))

    def beginning_with(self, beginning: str) -> Iterator[str]:
        """Ids of campaigns that are kept and begin so, in no order, each once. `beginning`: of digits and letters."""
        cursor, seen = None, set[str]()
        while cursor != 0:
            key, pattern = self._keys.index(), f"{beginning}*"
            cursor, pairs = self._store.ask(Redis.zscan, key, cursor or 0, pattern, _PER_ROUND_TRIP)
            for campaign_id in {member.decode() for member, _ in pairs} - seen:
                seen.add(campaign_id)
                if self.exists(campaign_id):
                    yield campaign_id

    def brief(self, campaign_id: str) -> CampaignRoute:
        """What never changes of a campaign and each of its requests needs: read once per process."""
        brief = self._routes.get(campaign_id)
        if brief is None:
            campaign = self.read(campaign_id)
            brief = CampaignRoute(campaign.kind, campaign.account, campaign.job.get("callback_url"))
            if len(self._routes) >= _MOST_BRIEFS:
                self._routes.clear()
            self._routes[campaign_id] = brief
        return brief

    def of_key(self, key: str) -> str | None:
        """The id of the campaign that was enqueued under `key`. It may have expired."""
        owner = self._store.ask(Redis.get, self._keys.job_key(key))
        return owner.decode().split(" ")[0] if owner else None

    def digest_of_key(self, key: str) -> str | None:
        """The digest of the job that was enqueued under `key`, if its campaign is over and the key is remembered."""
        _, _, digest = (self._store.ask(Redis.get, self._keys.job_key(key)) or b"").partition(b" ")
        return digest.decode() or None

    def newest(self) -> Iterator[Campaign]:
        """All campaigns that are kept, newest first, each once, in bounded memory."""
        for ids in self.index.pages(_CAMPAIGNS_PER_ROUND_TRIP):
            yield from self.read_each(ids)

    def read_each(self, campaign_ids: Sequence[str]) -> Iterator[Campaign]:
        """Campaigns in the order of their ids, without those that have expired; some at a time, in one round trip."""
        for ids in portions(campaign_ids, _CAMPAIGNS_PER_ROUND_TRIP):
            hashes = self._store.ask_many([command(Redis.hgetall, self._keys.campaign(i)) for i in ids])
            yield from (Campaign.read(i, decoded(h)) for i, h in zip(ids, hashes, strict=True) if h)

    def active(self) -> list[str]:
        """Ids of all campaigns that sweeping still checks."""
        return sorted(raw.decode() for raw in self._store.members(self._keys.active()))

    def pause(self, campaign_id: str, by: str, why: str = "") -> None:
        """No further batch goes out. Raises StateError if the campaign is over."""
        self._steer("pause", frozenset({READY}), PAUSED, Act(Deed.CAMPAIGN_PAUSED, campaign_id, by, why), "paused")

    def resume(self, campaign_id: str, by: str, why: str = "") -> None:
        """Batches go out again. Raises StateError unless the campaign is paused."""
        self._steer("resume", frozenset({PAUSED}), READY, Act(Deed.CAMPAIGN_RESUMED, campaign_id, by, why), "resumed")

    def approve(self, campaign_id: str, by: str, why: str = "") -> None:
        """A draft goes out. Raises ApprovalError if its maker approves it, StateError unless it is a draft."""
        campaign = self.read(campaign_id)
        # One that is over cannot become a draft any more; of every other the maker is refused first.
        maker = campaign.fields.get("by", APPLICATION)
        if campaign.state not in OVER and same_person(by, maker):
            raise ApprovalError(campaign_id, maker)
        act = Act(Deed.CAMPAIGN_APPROVED, campaign_id, by, why)
        self._steer("approve", frozenset({DRAFT}), READY, act, "approved")

    def cancel(self, campaign_id: str, by: str, why: str = "") -> None:
        """What has not gone out never will. Raises StateError if the campaign is over."""
        act = Act(Deed.CAMPAIGN_CANCELLED, campaign_id, by, why)
        self._steer("cancel", frozenset({READY, PAUSED, DRAFT}), CANCELLING, act, "cancelling")

    def reschedule(self, act: Act, schedule_ms: int, lead_ms: int) -> int:
        """Batches that are still here go out at `schedule_ms` (unix ms). Raises StateError if the campaign is over.

        They are handed over `lead_ms` before, quick ones at that time. Returns how many batches are still here.
        """
        campaign_id = act.of
        keys, brief = self._keys, self.brief(campaign_id)
        queue = queue_of(SEND, brief.kind)
        from_ms = max(0, schedule_ms - (0 if brief.kind == "quick" else lead_ms))
        of_queue = [keys.due(queue, brief.account), keys.accounts(queue)]
        done, found = self._store.run_safely(
            "reschedule",
            [keys.campaign(campaign_id), keys.events(), *of_queue, keys.audit()],
            [
                campaign_id,
                _states(READY, PAUSED, DRAFT),
                schedule_ms,
                from_ms,
                orjson.dumps(act.said()),
                brief.account,
                packed(act),
            ],
        )
        if not done:
            raise StateError("reschedule", found.decode())
        return int(found)

    def put_in_order(self, campaign: Campaign) -> int:
        """Make a campaign that has batches which were never handed out due, unless it is. Returns 1 if it was not."""
        keys, queue = self._keys, queue_of(SEND, campaign.kind)
        due = keys.due(queue, campaign.account)
        names = [due, keys.accounts(queue), keys.order(queue, campaign.account)]
        return int(self._store.run("put_in_order", names, [campaign.id, campaign.account]))

    def store_invalid(self, campaign_id: str, errors: Mapping[str, object], fields: Mapping[str, str]) -> None:
        """A job that came as a message and breaks rules: kept as `invalid`, with its errors and an event."""
        keys = self._keys
        flat = [part for pair in fields.items() for part in pair]
        packed = orjson.dumps(dict(errors), option=orjson.OPT_NON_STR_KEYS)
        self._store.run_safely(
            "store_invalid",
            [keys.campaign(campaign_id), keys.events(), keys.active(), keys.index()],
            [campaign_id, packed, *flat],
        )

    def excluded(self, campaign_id: str) -> Iterator[Excluded]:
        """Recipients that planning excluded, and recipients who opted out later."""
        return (one for _, _, one in self.numbered_excluded(campaign_id))

    def numbered_excluded(self, campaign_id: str) -> Iterator[tuple[int, bytes, Excluded]]:
        """The same, each with its number in the list, which it keeps, and as it stands there. Erased people are left
        out."""
        for number, stored, row in self._excluded_rows(campaign_id):
            if row[2] is not None:
                yield number, stored, Excluded.from_row(row)

    def counted_excluded(self, campaign_id: str) -> Iterator[Excluded]:
        """All of them, to be counted. Erased people are among them, without phone and place."""
        for _, _, (reason, place, phone, *more) in self._excluded_rows(campaign_id):
            yield Excluded.from_row([reason, place, phone or "", *more])

    def _excluded_rows(self, campaign_id: str) -> Iterator[tuple[int, bytes, list[Any]]]:
        """What is stored, as it stands in the list and as it is read, with its number in the list."""
        start = 0
        while rows := self._store.ask(
            Redis.lrange, self._keys.excluded(campaign_id), start, start + _PER_ROUND_TRIP - 1
        ):
            # Earlier versions left an empty row of an erased person.
            yield from ((number, row, orjson.loads(row)) for number, row in enumerate(rows, start) if row)
            start += len(rows)

    def retire(self, campaign: Campaign, life_ms: int) -> None:
        """Let all keys of a campaign that is over expire, and stop sweeping it.

        Its hash comes first: if a person reopens the campaign meanwhile, sweeping sees by it what to revive.
        """
        self._store.ask(Redis.pexpire, self._keys.campaign(campaign.id), life_ms)
        for names in self._belongings(campaign):
            self._store.ask_many([command(Redis.pexpire, name, life_ms) for name in names])
        self._remember_key(campaign, life_ms)
        self._store.run("retire_campaign", [self._keys.campaign(campaign.id), self._keys.active()], [campaign.id])

    def revive(self, campaign: Campaign) -> bool:
        """Let a campaign that was reopened after it was retired live on. Returns whether it was needed."""
        if self._store.ask(Redis.pttl, self._keys.campaign(campaign.id)) < 0:
            return False
        for names in self._belongings(campaign):
            self._store.ask_many([command(Redis.persist, name) for name in names])
        if "key" in campaign.fields:
            self._store.ask(Redis.persist, self._keys.job_key(campaign.fields["key"]))
        self._store.ask(Redis.persist, self._keys.campaign(campaign.id))
        return True

    def _belongings(self, campaign: Campaign) -> Iterator[list[str]]:
        """The names of all keys of a campaign but its hash, some at a time."""
        keys, store, all_ids = self._keys, self._store, campaign.batch_ids()
        for ids in portions(all_ids, _PER_ROUND_TRIP):
            mailings = [
                len(orjson.loads(row or b"[]"))
                for row in store.ask_many([command(Redis.hget, keys.batch(i), "mailings") for i in ids])
            ]
            names = [name for i in ids for name in (keys.batch(i), keys.body(i))]
            of_mailings = [(i, m) for i, n in zip(ids, mailings, strict=True) for m in range(n)]
            names += [keys.deliveries(i, m) for i, m in of_mailings]
            if "fallback_after_ms" in campaign.fields:
                names += [keys.fallback(i, m) for i, m in of_mailings]
            yield names
        yield [keys.image(campaign.id), keys.excluded(campaign.id), keys.replies(campaign.id)]

    def _remember_key(self, campaign: Campaign, life_ms: int) -> None:
        """The key outlives its campaign, and the digest behind it shows whether a job is the same."""
        if "key" not in campaign.fields:
            return
        name = self._keys.job_key(campaign.fields["key"])
        if (self._store.ask(Redis.get, name) or b"").decode().split(" ")[0] == campaign.id:
            value = f"{campaign.id} {campaign.fields.get('digest', '')}".strip()
            self._store.ask(Redis.set, name, value, None, max(life_ms, self._key_life_ms))

    def _steer(
        self,
        what: str,
        allowed: frozenset[str],
        to: str,
        act: Act,
        event: str,
    ) -> None:
        if not allowed <= CAMPAIGN_REACHED_FROM[to]:
            raise ValueError(f"{to} does not follow {', '.join(sorted(allowed - CAMPAIGN_REACHED_FROM[to]))}")
        campaign_id = act.of
        keys, brief = self._keys, self.brief(campaign_id)
        queue = queue_of(SEND, brief.kind)
        # What is resumed too early costs nothing; what is not paused after all does.
        run = self._store.run if to == READY else self._store.run_safely
        answer = run(
            "set_campaign_state",
            [
                keys.campaign(campaign_id),
                keys.events(),
                keys.due(queue, brief.account),
                keys.accounts(queue),
                keys.due(CONTROL),
                keys.audit(),
                keys.account(brief.account),
            ],
            [
                campaign_id,
                _states(*allowed),
                to,
                f"campaign.{event}",
                orjson.dumps(act.said()),
                brief.account,
                packed(act),
            ],
        )
        if answer[0] == 0:
            state = answer[1].decode()
            raise StateError(what, state) if state else UnknownCampaignError(campaign_id)


def _states(*states: str) -> str:
    """States as scripts search them."""
    return f",{','.join(sorted(states))},"
