"""Every Redis key of the project: its type, who writes it, what it holds and how long it lives.

All keys share one prefix (setting `key_prefix`). Everything that belongs to a campaign expires
`retention_s` after the campaign ended; until then it has no expiry unless a line here says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.names import CONTROL


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of keys under `prefix`. Ids: campaign `<21 hex>`, batch `<campaign>-<n>` with n from 0."""

    prefix: str

    def layout(self) -> str:
        """String: the version of all this, see `campaigns.store.layout`. Writer: who connects first. No expiry."""
        return f"{self.prefix}layout"

    # The ledger: what has been promised and what is known of it.

    def campaign(self, campaign_id: str) -> str:
        """Hash. Writer: ledger. One campaign.

        `state`, `kind`, `account`, `name`, `job` (JSON without recipients), `digest`, `created_ms`, `batches`, `seq`
        (number of its last event), `by` (who made it), `draft_why` (why it began as a draft), `correlation_id`,
        `follow` (if not `read`), `wants_replies` (0 if it does not), `test` (1 if it is one), `optouts_v` (version of
        the opt-outs that planning went by), `first_ms` (from when on it may go out, if later than its planning); once
        rescheduled `schedule_ms`, `not_before_ms` (when batches may go out for it) and `earliest_ms` (the least that
        that ever was); with a window `window` (JSON), `zone` (if all batches go by one: its name, or a country),
        `open:<zone>` (its openings) and `announced:<zone>` (the opening last announced by an event); with a canary
        `canary` (its batches, until it is judged), `canary_until_ms`, `canary_asked_ms`, then `canary_state` and
        `canary_why`; recipients by fate `r:total`, `r:invalid`, `r:duplicate`, `r:opted_out` and
        `r:<batch state>`; batches by state `b:<batch state>`;
        deliveries by status `s:<WORD>`, `final`; `replies`; `cost:<currency>` in millionths;
        `double_sends` (messages that went out twice); `unreadable` (parts of unusable answers); `erasure` (the last).
        """
        return f"{self.prefix}campaign:{campaign_id}"

    def batch(self, batch_id: str) -> str:
        """Hash. Writer: ledger, and intake for what polling finds. One batch.

        `state`, `since_ms` (in that state), `n` (recipients), `mailings` (JSON), `op` (last change), `attempt`,
        `fence`, `lease_until_ms`, `claimed_ms`, `not_before_ms` (of what is scheduled), `schedule_ms` (to which its
        campaign had been rescheduled by its claim), `correlation_id`, `follow`, `wants_replies` and `zone` (its
        campaign's), `uuid`, `message_ids` (JSON), `followed_ms`, `v` (version of its deliveries), `optouts_v` (version
        of the opt-outs it was last checked against), `final`, `digest`, `text` (the gateway's words), `refusals` and
        `refused_ms` (number and first claim of those that were taken for the account's); `cost:<mailing>`
        (`EUR=49000;`, in millionths); `odd:<method>:<mailing>:<reason>` (most rows of one answer that could not be
        used); for a list mailing `created_for_ms` (its `schedule_ms` then), `confirming_ms`, `confirming` (fence of the
        attempt that began to confirm) and `status_before`; `replies_ended_ms` (of the last fetch of replies that was
        answered); `callback_ms` and `callback_uuid`, if the gateway called back about this attempt or one that was
        taken for lost (empty: not since it was planned again); once it was sent again after a doubt `resent_ms` (claim
        of the first request in doubt), `watched` and `double_send:<mailing>`, and `reduced_ms` if phones were taken out
        after that; while it is in doubt `checks`, `checked_ms` and `tries` (of checks) and `check` (JSON: how far the
        check under way has come); `doubts` (JSON: unix ms, state, reason, by whom; of each step into a doubt and out of
        it); `epoch` and `doubted_ms`, see `primary`.
        """
        return f"{self.prefix}batch:{batch_id}"

    def body(self, batch_id: str) -> str:
        """String, zlib. Writer: planning. What the request carries, without token and callback.

        Until it is sent it lives `body_retention_s`, which sweeping renews; then as long as the campaign."""
        return f"{self.prefix}body:{batch_id}"

    def image(self, campaign_id: str) -> str:
        """Hash `filename`, `content_type`, `content`. Writer: planning. The file of a job that has one."""
        return f"{self.prefix}image:{campaign_id}"

    def excluded(self, campaign_id: str) -> str:
        """List of JSON `[reason, place, phone as handed in]`, some with a fourth text: why. Writer: planning, and
        ledger for those who opted out later; their place is the batch that they stood in. It is never shortened: who
        was erased leaves an empty string."""
        return f"{self.prefix}excluded:{campaign_id}"

    def active(self) -> str:
        """Set of the ids of campaigns that sweeping still looks at. Writer: ledger. No expiry."""
        return f"{self.prefix}active"

    def index(self) -> str:
        """Sorted set of campaign ids by creation (unix ms). Writer: ledger; sweeping drops what expired."""
        return f"{self.prefix}campaigns"

    def job_key(self, key: str) -> str:
        """String: the id of the campaign that was enqueued under `key`, and once that is over ` <digest>` of its job.
        Writer: ledger. Expires `key_retention_s` after the campaign was over."""
        return f"{self.prefix}key:{key}"

    def recent_job(self, digest: str) -> str:
        """String: the campaign that `campaigns send` made of a job with this digest. Writer: the command. A day."""
        return f"{self.prefix}recent-job:{digest}"

    def rejected(self) -> str:
        """Sorted set: digests of submitted messages without a job, by when (unix ms); the newest 1,000. Writer:
        submitting. Expires `retention_s` after the last."""
        return f"{self.prefix}rejected"

    def rejected_facts(self) -> str:
        """Hash digest → JSON: what is known of such a message, never its content. Lives as long as `rejected`."""
        return f"{self.prefix}rejected-facts"

    def submissions(self) -> str:
        """Hash: `seq`, number of the last event of the source `submissions`. Writer: submitting. No expiry."""
        return f"{self.prefix}submissions"

    def due(self, queue: str, account: str = "") -> str:
        """Sorted set of what is due of an account in a queue, by due time (unix ms). Writer: ledger.

        `<verb>|<batch id>`; where batches are sent also `campaign|<campaign id>` for one that takes its place in the
        order, and `at|<batch or campaign id>` for what is scheduled. That of `control` belongs to no account: its
        entries are `lease|<batch id>`, `plan|`, `cancel|` and `canary|<campaign id>`, `sweep|` and `trim|`.
        """
        return f"{self.prefix}due:{queue}" if queue == CONTROL else f"{self.prefix}due:{queue}:{account}"

    def order(self, queue: str, account: str = "") -> str:
        """Sorted set of campaigns and batches of an account that can go out now, by virtual time. Writer: ledger.

        A campaign stands there while some of its batches were never handed out, a batch once it came back.
        """
        return f"{self.prefix}order:{queue}:{account}"

    def accounts(self, queue: str) -> str:
        """Sorted set of accounts by when they can act next in a queue (unix ms). Writer: ledger."""
        return f"{self.prefix}accounts:{queue}"

    def bells(self, queue: str) -> str:
        """Sorted set of bells that nobody answered yet, by when they were rung (unix ms). Writer: ledger."""
        return f"{self.prefix}bells:{queue}"

    def turns(self) -> str:
        """Sorted set of `<queue> <worker> <turn>` that can take more, by when they count as dead (unix ms)."""
        return f"{self.prefix}turns"

    def full_turns(self) -> str:
        """The same of turns that have all the requests under way that they may."""
        return f"{self.prefix}turns-full"

    def workers(self) -> str:
        """Sorted set of `<worker>|<slots>|<queue>,<queue>` by when they were last seen (unix ms). Writer: workers."""
        return f"{self.prefix}workers"

    def taken(self, queue: str) -> str:
        """String, unix ms: when a turn last took from a queue. Writer: ledger. Lives a minute."""
        return f"{self.prefix}taken:{queue}"

    def primary(self) -> str:
        """Hash: which server the store's is, and what it may have lost. Writer: scripts. No expiry.

        `replid` (replication id of the server), `epoch` (number of times that it changed), `claims` (number of the
        last claim), `seen_ms` (when somebody last looked), `doubted` (batches in doubt by a change), `seq` (number of
        the last event of the source `store`); of the last change `how`, `changed_ms`, `since_ms`, `at_change`,
        `until_ms`, `doubt`, `why` and `declared` (a call of a person's): see `lua/include/primary.lua`. The field
        `epoch` of a campaign or batch is the last change before it became ready or was claimed; `doubted_ms` of a
        batch, when a change put it in doubt.
        """
        return f"{self.prefix}primary"

    def replicated(self) -> str:
        """String: the write that a wait for replicas goes by. Writer: the store. No expiry."""
        return f"{self.prefix}replicated"

    def sweep(self) -> str:
        """String: where the round of sweeping that is under way has arrived (cursor of SSCAN). Writer: sweeping."""
        return f"{self.prefix}sweep"

    def turn(self, turn: str) -> str:
        """String: what the last call of a turn took, in case its answer is lost. Writer: ledger. Lives a minute."""
        return f"{self.prefix}turn:{turn}"

    def lookalikes(self, fingerprint: str) -> str:
        """Sorted set of `<batch id>:<mailing>` alike in getViberMessages, by their end (unix ms). Writer: planning."""
        return f"{self.prefix}lookalikes:{fingerprint}"

    def message(self, account: str, message_id: int) -> str:
        """String `<batch id>:<mailing>`: whose the gateway's message id is. Writer: ledger, intake."""
        return f"{self.prefix}message:{account}:{message_id}"

    def awaited(self, account: str) -> str:
        """Sorted set of ids of batches that were accepted under a uuid, by their claim (unix ms), the newest 10,000.

        Writer: recording. Checks ask for the message ids of those that have none yet, and drop the others. Expires
        `retention_s`, and at least two settle windows, after the last was accepted.
        """
        return f"{self.prefix}awaited:{account}"

    def foreign(self, batch_id: str) -> str:
        """Set of message ids that checks found to go to none of the phones of a batch in doubt. Writer: checks.
        Expires two settle windows after the last check."""
        return f"{self.prefix}foreign:{batch_id}"

    def known(self, account: str, kind: str) -> str:
        """Sorted set of message ids by when we learned them (unix ms), the newest 1,000. Writer: intake. Expires
        `retention_s` after the last was learned."""
        return f"{self.prefix}known:{account}:{kind}"

    def account(self, account: str) -> str:
        """Hash. Writer: limiter. No expiry. The account's pauses and its failures.

        `all_until_ms`, `all_reason` and `all_cause` (one of few words): no request at all; `paid_until_ms`,
        `paid_reason` and `paid_cause`: none that is paid for; `open_until_ms` and `open_reason`: none that is paid for
        after a run of failures, and then one at a time, until one was answered; `trips` (pauses of that run), `probe`
        and `probe_until_us` (the permit that tries, and until when nobody else does); `failures` (in a row),
        `accepted_ms` (of its last paid request that the gateway took), `next_us` and `quick_us` (of the limiter), `seq`
        (number of its last event).
        """
        return f"{self.prefix}account:{account}"

    def permits(self, account: str) -> str:
        """Stands before five sorted sets of permits by expiry (server microseconds), which expire. Writer: limiter.

        `:slots` counts for the rate, `:busy` for concurrency; `:read-slots` and `:read-busy` are the part of each that
        polling uses, `:fast-slots` what quick messages took out of turn.
        """
        return f"{self.prefix}permits:{account}"

    # Results: what became known of each message.

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
