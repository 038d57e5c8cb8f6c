"""The keys of what becomes known of messages, and of how the project fares. `campaigns.store.keys` has the others, and
says what applies to all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResultKeys:
    """Names of these keys under `prefix`. Ids are as in `campaigns.store.keys.Keys`."""

    prefix: str

    def deliveries(self, batch_id: str, mailing: int) -> str:
        """Hash phone → `STATUS|unix ms|delivery_id|error_code`. Writer: intake. One per mailing, because one request
        may carry several mailings for the same phone."""
        return f"{self.prefix}deliveries:{batch_id}:{mailing}"

    def fallback(self, batch_id: str, mailing: int) -> str:
        """Hash phone → unix ms: recipients of a mailing who were announced as not delivered in time, and when; negative
        once their message arrived after all. Writer: scripts. There is none unless the job asks for a fallback."""
        return f"{self.prefix}fallback:{batch_id}:{mailing}"

    def replies(self, campaign_id: str) -> str:
        """Hash reply id → JSON `phone`, `message`, `received_ms`, `batch`, `mailing`. Writer: replies."""
        return f"{self.prefix}replies:{campaign_id}"

    def optouts(self) -> str:
        """Set of phones that are opted out of everything. Writer: opt-outs. No expiry: they hold until removed."""
        return f"{self.prefix}optouts"

    def optouts_counter(self) -> str:
        """String: how often phones were added to the opt-outs of any scope. Writer: opt-outs. No expiry, as `optouts`.
        With the size of that set it is the version of the list: `<counter>:<size>`. A batch whose phones were checked
        against another version (its field `optouts_v`, or its campaign's) is checked again before it is sent; also if
        its `optouts_scoped_v` differs, which a process that knows only opt-outs of everything does not write."""
        return f"{self.prefix}optouts-counter"

    def optouts_why(self) -> str:
        """Hash phone → `unix ms:by|why`: since when, by whom and why a phone is opted out. Writer: opt-outs. No expiry,
        as `optouts`. `by` is `recipient` where a reply did it; values of earlier versions lack `:by`."""
        return f"{self.prefix}optouts-why"

    def optouts_of(self, scope: str) -> str:
        """Hash phone → value as of `optouts_why`: the phones that are opted out of an account (`<account>`) or of a
        topic of one (`<account>/<topic>`). Writer: opt-outs. No expiry, as `optouts`."""
        return f"{self.prefix}optouts:{scope}"

    def optout_scopes(self) -> str:
        """Set of those scopes that have phones. Writer: opt-outs. Emptied."""
        return f"{self.prefix}optout-scopes"

    def unreached(self) -> str:
        """Hash phone → number of messages in a row that did not reach it. Writer: intake, with `suppress_after`.
        Expires after 180 days, also if it is in use: counting begins anew then, since many phones are never written to
        again."""
        return f"{self.prefix}unreached"

    def suppressed(self) -> str:
        """Hash phone → `unix ms|messages`: since when it is suppressed, and after how many messages that did not reach
        it. Writer: intake. No expiry: it holds until the phone is seen again or a person removes it."""
        return f"{self.prefix}suppressed"

    def counted(self, account: str, start: str) -> str:
        """String: sections of day, number of messages and last four digits of their phones, two bytes each, for the
        phones that begin with `start` and have four digits more. Writer: counting, for the frequency cap. Expires
        `cap_days` and a day after the last write, which drops days that do not count any more. The account is empty if
        messages of all accounts count together."""
        return f"{self.prefix}counted:{account}:{start}"

    def events(self) -> str:
        """Stream: one entry per event. Writer: every script that changes state. No expiry: trimming removes what every
        group has acknowledged, after `events_life_s`, or earlier if there are `events_cap` entries."""
        return f"{self.prefix}events"

    def stream(self) -> str:
        """Hash. Writer: trimming. No expiry: `seq` goes on. While the event stream is full, `full_ms` (since when) and
        `full_group` (the group that was furthest behind then); `seq` (of its last event)."""
        return f"{self.prefix}stream"

    def audit(self) -> str:
        """Stream: acts of people. Writer: the script of each act. No expiry: sweeping removes entries after
        `audit_retention_s`, or beyond 100,000. `deed`, `of` (id, account or masked phone), `by`, `why`, `detail`,
        `number` (of recipients or phones), `at_ms`, `call` (its name); empty if it does not apply."""
        return f"{self.prefix}audit"

    def dead_letters(self, group: str) -> str:
        """Stream: entries that a group could not process. Writer: consumers. Expires `retention_s` after the last."""
        return f"{self.prefix}dead-letters:{group}"

    def callback_secret(self) -> str:
        """String: it signs the addresses of callbacks. Writer: the first process. No expiry: addresses stay valid."""
        return f"{self.prefix}callback-secret"

    def clock(self) -> str:
        """Hash `offset_ms`, `seen_ms`: see `campaigns.times.steady`. Writer: every process. No expiry: time must not go
        back. The first key of every script; `metrics` is the second."""
        return f"{self.prefix}clock"

    def metrics(self, account: str | None = None) -> str:
        """Set of the accounts that have numbers; '' stands for none in particular. Of one, hash `<measure>|<label>|...`
        of counters. Writer: scripts. No expiry: counters only grow. Labels have few values: see
        `campaigns.measures`."""
        return f"{self.prefix}metrics" if account is None else f"{self.prefix}metrics:{account}"

    def waiting(self, account: str, state: str) -> str:
        """Sorted set by since when (unix ms) of batches that are `unknown` or `held`, or of campaigns that have
        `planned` ones that may go out, at its time. Writer: scripts. Emptied."""
        return f"{self.metrics(account)}:{state}"

    def heartbeat(self, name: str) -> str:
        """String, unix ms: when `name` last worked. `dispatch`, writer: dispatching, expires after five minutes;
        `queue-<name>`, writer: the workers that consume that queue, expires after 20 seconds."""
        return f"{self.prefix}heartbeat:{name}"

    def beats(self) -> str:
        """Hash beat → `unix ms|unix ms`, of its first and last tick. Writer: dispatching. Expires five minutes after
        the last."""
        return f"{self.prefix}beats"
