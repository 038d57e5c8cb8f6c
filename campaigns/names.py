"""Names of tasks and queues: the contract between whoever sends a wake-up and whoever wakes.

Each queue is a failure domain of its own: a slow poll never holds up a quick message.
"""

from __future__ import annotations

from typing import Final

QUICK: Final = "quick"
BULK: Final = "bulk"
POLL: Final = "poll"
REPLIES: Final = "replies"
CONTROL: Final = "control"
#: Where every language sends jobs. Nobody else's work waits behind what comes in here.
SUBMISSIONS: Final = "submissions"

#: Those that have a due set, in the order in which every script receives them.
DUE_QUEUES: Final = (QUICK, BULK, POLL, REPLIES, CONTROL)
#: Every queue at the broker. A worker serves each of them.
QUEUES: Final = (*DUE_QUEUES, SUBMISSIONS)

SUBMIT: Final = "campaigns.submit"
DISPATCH: Final = "campaigns.dispatch"
SWEEP: Final = "campaigns.sweep"
SEND_BATCH: Final = "campaigns.send_batch"
RECONCILE_BATCH: Final = "campaigns.reconcile_batch"
POLL_BATCH: Final = "campaigns.poll_batch"
FETCH_REPLIES: Final = "campaigns.fetch_replies"

#: Where a task is consumed. The sending tasks go where their batch's kind says.
TASK_QUEUES: Final[dict[str, tuple[str, ...]]] = {
    SUBMIT: (SUBMISSIONS,),
    DISPATCH: (CONTROL,),
    SWEEP: (CONTROL,),
    SEND_BATCH: (QUICK, BULK),
    RECONCILE_BATCH: (POLL,),
    POLL_BATCH: (POLL,),
    FETCH_REPLIES: (REPLIES,),
}
