"""Every Redis key of the project: its type, who writes it, what it holds and how long it lives.

All keys share one prefix (setting `key_prefix`). Keys of a campaign or a batch, which have its id in their name, expire
`retention_s` after the campaign ended; until then they have no expiry unless a line here says so. "Emptied": without
expiry, but each member is removed once its work is done or what it names has expired, and Redis removes an empty key.
What becomes known of messages lies under the keys of `campaigns.store.result_keys`.
"""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.names import CONTROL
from campaigns.store.result_keys import ResultKeys


@dataclass(frozen=True, slots=True)
class Keys(ResultKeys):
    """Names of keys under `prefix`. Ids: campaign `<17 digits and letters>`, batch `<campaign>-<n>` with n from 0.

    The keys here are those of the ledger: what has been promised, and what is known of it.
    """

    def layout(self) -> str:
        """String: see `campaigns.store.layout_version`. Writer: the first process. No expiry: others check it."""
        return f"{self.prefix}layout"

    def campaign(self, campaign_id: str) -> str:
        """Hash. Writer: ledger. One campaign.

        - The job: `kind`, `account`, `queue` (that sends it), `name`, `job` (JSON without recipients), `digest` of it,
          `key` (under which it was enqueued), `by` (its maker), `topic`, `correlation_id`, `follow` (unless `read`),
          `wants_replies` (0: it does not), `fallback_after_ms` (if it asks for a fallback), `test` (1: it is one),
          `suppresses` (1: phones that could not be reached are excluded),
          `weight` (its share of the account), `spacing_ms` (between two recipients, if it asks for a rate of its own),
          `errors` (JSON, of one that is invalid).
        - Its course: `state`, `created_ms`, `ended_ms`, `seq` (number of its last event), `batches`, `cursor` (number
          of the first batch that was never handed out), `vt` (its virtual time), `epoch` (see the key of the primary),
          `draft_why` (why it began as a draft), `unbalanced` (1: an event reported it), `erasure` (last call that
          erased a person), `erased_replies` (a line of JSON for each erased person who replied: mailings, mailing whose
          reply opted out or null, kinds of what the person was opted out of); with a rate `next_ms` (before which no
          batch is claimed) and `slot_ms` (when the next batch that comes back is due).
        - While it is planned: `plan_token` (names its producer), `plan_until_ms` (lease), `exclusion_calls` (number of
          the last call); `optouts_v` and `optouts_scoped_v`: the version of the suppression list that planning used.
        - Its time: `first_ms` (when it may go out at first, if later than its planning); once rescheduled
          `schedule_ms`, `not_before_ms` (when batches are handed over for it), `earliest_ms` (the least of those).
        - Its window: `window` (JSON), `zone` (a name or country, if all batches share one), `open:<zone>` (openings),
          `announced:<zone>` (the opening last announced by an event).
        - Its canary: `canary` (number of its batches, until it is judged), `canary_until_ms`, `canary_asked_ms`, then
          `canary_state`, `canary_why` and `canary_cause` (JSON, see `campaigns.text.causes`); `pause` (JSON,
          while a person or the budget pauses it: `by` whom or `cause`, and `why`).
        - Counters: recipients `r:<batch state>`, `r:<reason of exclusion>` and `r:total`; batches `b:<batch state>`;
          deliveries `s:<WORD>` and `final`; `replies`; `cost:<currency>` in millionths; `double_sends` (messages);
          `unreadable` (parts of answers); of mailings with a price `messages` and `charged` (millionths), and `drifted`
          (1: an event reported that they cost more than expected)."""
        return f"{self.prefix}campaign:{campaign_id}"

    def batch(self, batch_id: str) -> str:
        """Hash. Writer: ledger, and intake for what polling finds. One batch.

        - Of its campaign: `account`, `kind`, `topic`, `correlation_id`, `follow`, `wants_replies`, `fallback_after_ms`,
          `suppresses`, `zone`.
        - Its content: `n` (recipients), `mailings` (JSON), `not_before_ms` (if it is scheduled), `optouts_v` and
          `optouts_scoped_v` (version of the suppression list that it was last checked against), `reach_ms` (when phones
          that could not be reached were last excluded from it, if after planning), `reduced_ms` (when phones were
          removed after a doubt).
        - With a frequency cap: `cap` (`<account>|<messages>/<days>,...`); `counted` (the day on which its messages
          count, a space, and the numbers of the mailings of which they do not), `counted_until_ms` (end of that day);
          while they are counted `count_op` (names who counts), `count_from` (`counted` before), `count_portions`
          (those counted by now), `count:<mailing>.<portion>` (by whom, on which day, messages that do not count, and
          those of them that the cap forbids).
        - Its course: `state`, `since_ms` (in that state), `op` (names the last change), `attempt`, `fence`,
          `lease_until_ms`, `claimed_ms`, `epoch` (see the key of the primary), `schedule_ms` (to which its campaign had
          been rescheduled when it was claimed), `text` (the gateway's words), `refusals` and `refused_ms` (number and
          first claim of refusals that were taken for the account's), `rejected:<mailing>` (the gateway's words).
        - At the gateway: `uuid`, `message_ids` (JSON), `followed_ms` (since when it is followed), `digest` (of the last
          answer), `v` (version of its deliveries), `intake_op` (names the last call that changed them), `final`
          (deliveries), `cost:<mailing>` (`EUR=49000;`, in millionths), `replies_ended_ms` (of the last fetch of replies
          that was answered), `fallback:<mailing>` (when all who were not delivered had been announced),
          `fallback_part` (the last part of them that was, while others follow),
          `erased:<mailing>` (JSON, sorted: what became of messages to erased people, as `deliveries` has it, without
          the gateway's id and in whole quarters of an hour), `emptied:<mailing>` (the fence of the request, once
          everybody in the mailing was erased, and the gateway's ids with them), `emptied` (1: everybody in it was),
          `odd:<method>:<mailing>:<reason>` (most rows of one answer that could not be used).
        - Of its account's budget, in millionths: `reserved` (what still is), `reserved_each` (of a message),
          `reserved_on` (the day), `counted:<mailing>` (what is counted for a mailing instead); `returned`,
          `returned_each` and `returned_on` (the same of what was given back, until the batch is claimed again); `kept`,
          `kept_each` and `kept_on` (the same of an earlier claim in doubt, after which a person had it sent again).
        - Of a list mailing: `created_for_ms` (its `schedule_ms` then), `status_before`, `confirming_ms`, `confirming`
          (fence of the attempt that began to confirm).
        - In doubt: `doubts` (JSON: unix ms, state, reason, by whom; of each step in and out), `doubted_ms` (when a
          change of the store's server put it in doubt), `checks`, `checked_ms` and `tries` (of checks), `check` (JSON:
          progress of the check under way), `callback_ms` and `callback_uuid` (of a callback for this attempt or one
          that was taken for lost; empty: none since it was planned again).
        - Sent again after a doubt: `resent_ms` (claim of the first request in doubt), `watched` (checks since then),
          `double_send:<mailing>`."""
        return f"{self.prefix}batch:{batch_id}"

    def body(self, batch_id: str) -> str:
        """String, zlib. Writer: planning. What the request carries, without token and callback. Until it is sent it
        lives `body_retention_s`, which sweeping renews; then as long as the campaign."""
        return f"{self.prefix}body:{batch_id}"

    def image(self, campaign_id: str) -> str:
        """Hash `filename`, `content_type`, `content`. Writer: planning. The file of a job that has one."""
        return f"{self.prefix}image:{campaign_id}"

    def excluded(self, campaign_id: str) -> str:
        """List of JSON `[reason, place, phone as handed in]`, some with a fourth text: why. Writer: planning, and
        ledger for those who were excluded later; their place is the batch that they stood in, and a fifth element is
        the number of their mailing in the job. It is never shortened: an erased person leaves a row whose place is
        empty (after planning: the batch) and whose phone is null."""
        return f"{self.prefix}excluded:{campaign_id}"

    def active(self) -> str:
        """Set of the ids of campaigns that sweeping still checks. Writer: ledger. Emptied."""
        return f"{self.prefix}active"

    def index(self) -> str:
        """Sorted set of campaign ids by creation (unix ms). Writer: ledger. Emptied."""
        return f"{self.prefix}campaigns"

    def job_key(self, key: str) -> str:
        """String: the id of the campaign that was enqueued under `key`, and once that is over ` <digest>` of its job.
        Writer: ledger. Expires `key_retention_s` after the campaign was over."""
        return f"{self.prefix}key:{key}"

    def recent_job(self, digest: str) -> str:
        """String: the campaign that `campaigns send` made of a job with this digest. Expires after a day."""
        return f"{self.prefix}recent-job:{digest}"

    def rejected(self) -> str:
        """Sorted set: digests of submitted messages without a job, by when (unix ms); the newest 1,000. Writer:
        submitting. Expires `retention_s` after the last."""
        return f"{self.prefix}rejected"

    def rejected_facts(self) -> str:
        """Hash digest → JSON: what is known of such a message, never its content. Expires with `rejected`."""
        return f"{self.prefix}rejected-facts"

    def submissions(self) -> str:
        """Hash: `seq`, number of the last event of `submissions`. Writer: submitting. No expiry: `seq` goes on."""
        return f"{self.prefix}submissions"

    def due(self, queue: str, account: str = "") -> str:
        """Sorted set of what is due of an account in a queue, by due time (unix ms). Writer: ledger. `<kind of
        work>|<id>`: see `campaigns.ledger.due_kinds`. That of `control` belongs to no account. Emptied."""
        return f"{self.prefix}due:{queue}" if queue == CONTROL else f"{self.prefix}due:{queue}:{account}"

    def order(self, queue: str, account: str = "") -> str:
        """Sorted set of campaigns and batches of an account that can go out now, by virtual time. Writer: ledger. A
        campaign stands there while some of its batches were never handed out, a batch once it came back. Emptied."""
        return f"{self.prefix}order:{queue}:{account}"

    def accounts(self, queue: str) -> str:
        """Sorted set of accounts by when they can act next in a queue (unix ms). Writer: ledger. Emptied."""
        return f"{self.prefix}accounts:{queue}"

    def bells(self, queue: str) -> str:
        """Sorted set of unanswered bells by when they were rung (unix ms). Writer: ledger. Expires after 10 seconds."""
        return f"{self.prefix}bells:{queue}"

    def turns(self) -> str:
        """Sorted set of `<queue> <worker> <turn>` that can take more, by when they count as dead (unix ms). Writer:
        ledger. Expires ten minutes after the last call."""
        return f"{self.prefix}turns"

    def full_turns(self) -> str:
        """The same of turns that have as many requests under way as they may."""
        return f"{self.prefix}turns-full"

    def workers(self) -> str:
        """Sorted set of `<worker>|<slots>|<queue>,<queue>` by when they were last seen (unix ms). Writer: workers.
        Expires five minutes after the last report."""
        return f"{self.prefix}workers"

    def with_token(self) -> str:
        """Sorted set of `<account>|<queue>` by when a worker of the queue last reported that it has the account's token
        (unix ms). Writer: workers that divide the tokens. Expires five minutes after the last report."""
        return f"{self.prefix}with-token"

    def taken(self, queue: str) -> str:
        """String, unix ms: when a turn last took from a queue. Writer: ledger. Expires after a minute."""
        return f"{self.prefix}taken:{queue}"

    def left(self, queue: str) -> str:
        """String: bells that were rung in a second for accounts which one worker left to others, as it lacks their
        tokens. Writer: ledger. Expires after that second."""
        return f"{self.prefix}left:{queue}"

    def primary(self) -> str:
        """Hash: which server holds the store, and what it may have lost. Writer: scripts. No expiry: it shows changes.

        `replid` (replication id of the server), `epoch` (number of times that it changed), `claims` (number of the last
        claim), `seen_ms` (when a process last checked), `doubted` (batches that a change of server put in doubt), `seq`
        (number of the last event of the source `store`); of the last change `how`, `changed_ms`, `since_ms`,
        `at_change`, `until_ms`, `doubt`, `why` and `declared` (the call by which a person declared the loss): see
        `lua/include/primary.lua`. The field `epoch` of a campaign or batch is the last change before it became ready or
        was claimed; `doubted_ms` of a batch, when a change put it in doubt."""
        return f"{self.prefix}primary"

    def replicated(self) -> str:
        """String: a write before each wait for replicas. Writer: the store. No expiry: its value never changes."""
        return f"{self.prefix}replicated"

    def sweep(self) -> str:
        """String: where the round of sweeping that is under way has arrived (cursor of SSCAN). Writer: sweeping.
        Expires after an hour; then a new round begins."""
        return f"{self.prefix}sweep"

    def turn(self, turn: str) -> str:
        """String: what a turn's last call took, in case its answer is lost. Writer: ledger. Expires after a minute."""
        return f"{self.prefix}turn:{turn}"

    def lookalikes(self, fingerprint: str) -> str:
        """Sorted set of `<batch id>:<mailing>` alike in getViberMessages, by their end (unix ms). Writer: planning.
        Expires with its last member, see `Milliseconds.lookalikes`."""
        return f"{self.prefix}lookalikes:{fingerprint}"

    def message(self, account: str, message_id: int | str) -> str:
        """String `<batch id>:<mailing>`: whose the gateway's message id is. Writer: ledger, intake. Expires
        `retention_s` after it was last recorded."""
        return f"{self.prefix}message:{account}:{message_id}"

    def awaited(self, account: str) -> str:
        """Sorted set of ids of batches that were accepted under a uuid, by their claim (unix ms), the newest 10,000.
        Writer: recording. Checks ask for the message ids of those that have none yet, and drop the others. Expires
        `retention_s`, and at least two settle windows, after the last was accepted."""
        return f"{self.prefix}awaited:{account}"

    def foreign(self, batch_id: str) -> str:
        """Set of message ids that checks found to go to none of the phones of a batch in doubt. Writer: checks. Expires
        two settle windows after the last check."""
        return f"{self.prefix}foreign:{batch_id}"

    def known(self, account: str, kind: str) -> str:
        """Sorted set of message ids by when they were recorded (unix ms), the newest 1,000. Writer: intake. Expires
        `retention_s` after the last was recorded."""
        return f"{self.prefix}known:{account}:{kind}"

    def account(self, account: str) -> str:
        """Hash. Writer: limiter. One account. No expiry: `seq` goes on.

        - Pauses: `all_until_ms`, `all_reason`, `all_cause` (one of few words) of all requests; `paid_until_ms`,
          `paid_reason`, `paid_cause` of paid ones; `open_until_ms` and `open_reason` of paid ones after a run of
          failures, which ends with a try: `trips` (pauses of that run), `probe` and `probe_until_us` (the permit that
          tries, and its end); `failures` (in a row), `accepted_ms` (of its last paid request that the gateway took).
        - A daily budget without room for the next request: `budget_until_ms` (the end of the day), `budget_reason`,
          `budget_short` (the room that ends it, in millionths), `budget_campaign` (which has that request).
        - Limiter and turns: `next_us`, `quick_us`; `read_queue` and `read_ms` (the queue that read last, and when);
          `vt:<queue>` (its virtual time).
        - The gateway's clock: `gateway_ahead_ms` (by how much it was ahead), `gateway_seen_ms` (when that was seen).
        - `seq` (number of its last event)."""
        return f"{self.prefix}account:{account}"

    def money(self, account: str) -> str:
        """Hash, amounts in millionths. Writer: scripts. What an account spends, by day of the gateway's calendar:
        `used:<day>` (charged or reserved, of its budget); `budget:<day>` (to which a person changed it),
        `confirmed:<day>` (what a second person confirmed), `budget_call`
        (the last such call); `messages:<day>` and `charged:<day>` (of mailings with a
        price), `drifted:<day>` (1: an event reported it); `days` that it has, in the order in which they began. Expires
        after 40 days without a new one; the last 35 are kept."""
        return f"{self.prefix}money:{account}"

    def permits(self, account: str) -> str:
        """Prefix of five sorted sets of permits by expiry (server microseconds). Writer: limiter. Each expires two days
        after its last permit. `:slots` counts for the rate, `:busy` for concurrency; `:read-slots` and `:read-busy` are
        the part of each that polling uses, `:fast-slots` what quick messages used ahead of their turn."""
        return f"{self.prefix}permits:{account}"
