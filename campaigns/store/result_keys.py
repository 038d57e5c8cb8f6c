"""The keys of results, opt-outs, events and the watch over workers: see `campaigns/store/keys.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResultKeys:
    """What became known of each message, and how the project fares."""

    prefix: str

    def deliveries(self, batch_id: str, mailing: int) -> str:
        """Hash phone → `STATUS|unix ms|delivery_id|error_code`. Writer: intake.

        One per mailing, because one request may carry several mailings for the same phone."""
        return f"{self.prefix}deliveries:{batch_id}:{mailing}"

    def replies(self, campaign_id: str) -> str:
        """Hash reply id → JSON `phone`, `message`, `received_ms`, `batch`, `mailing`. Writer: replies."""
        return f"{self.prefix}replies:{campaign_id}"

    def optouts(self) -> str:
        """Set of phones that must not be messaged. Writer: opt-outs. No expiry."""
        return f"{self.prefix}optouts"

    def optouts_counter(self) -> str:
        """String: how often phones were added to the opt-outs. Writer: opt-outs. No expiry.

        With the size of the set it is the version of the list: `<counter>:<size>`. A batch whose phones were checked
        against another version (its field `optouts_v`, or its campaign's) is checked again before it is sent."""
        return f"{self.prefix}optouts-counter"

    def optouts_why(self) -> str:
        """Hash phone → `unix ms:by|why`: since when, by whom and why a phone is opted out. Writer: opt-outs. No expiry.

        `by` is `recipient` where a reply did it, and is missing with its colon in values of earlier versions."""
        return f"{self.prefix}optouts-why"

    def events(self) -> str:
        """Stream: one entry per event. Writer: every script that changes state."""
        return f"{self.prefix}events"

    def stream(self) -> str:
        """Hash. Writer: trimming. No expiry. While the event stream is full, `full_ms` (since when) and `full_group`
        (the group that was furthest behind then); `seq`, number of the last event of the source `events`."""
        return f"{self.prefix}stream"

    def audit(self) -> str:
        """Stream: acts of people. Writer: the script of each act. Lives `audit_retention_s`, about 100,000 at most.
        `deed`, `of` (id, account or masked phone), `by`, `why`, `detail`, `number` (of recipients or phones), `at_ms`,
        `call` (name of the call). What does not apply is empty."""
        return f"{self.prefix}audit"

    def dead_letters(self, group: str) -> str:
        """Stream: what a group could not digest, and why. Writer: consumers. Lives `retention_s` after the last."""
        return f"{self.prefix}dead-letters:{group}"

    def callback_secret(self) -> str:
        """String: what the addresses of callbacks are signed with. Writer: whoever needs it first. No expiry."""
        return f"{self.prefix}callback-secret"

    def clock(self) -> str:
        """Hash `offset_ms`, `seen_ms`: see `campaigns.times.steady`. Writer: all who compare clocks. No expiry.

        The first key of every script; `metrics` is the second."""
        return f"{self.prefix}clock"

    def metrics(self, account: str | None = None) -> str:
        """Set of the accounts that have numbers; '' stands for none in particular. Writer: scripts. No expiry.

        Of one, hash `<measure>|<label>|...` of whole numbers that only grow. Labels have few values: see
        `campaigns.measures`."""
        return f"{self.prefix}metrics" if account is None else f"{self.prefix}metrics:{account}"

    def waiting(self, account: str, state: str) -> str:
        """Sorted set by since when (unix ms) of batches that are `unknown` or `held`, or of campaigns that have
        `planned` ones that may go out, at its time. Writer: scripts; sweeping drops what expired. No expiry."""
        return f"{self.metrics(account)}:{state}"

    def heartbeat(self, name: str) -> str:
        """String, unix ms: when `name` last worked. Expires after at most minutes.

        `dispatch`, writer: dispatching; `queue-<name>`, writer: the workers that consume that queue.
        """
        return f"{self.prefix}heartbeat:{name}"

    def beats(self) -> str:
        """Hash beat → `unix ms|unix ms`, of its first and last tick. Writer: dispatching. Expires after minutes."""
        return f"{self.prefix}beats"
