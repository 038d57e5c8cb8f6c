"""Names of tasks and queues: the contract between the senders of wake-ups and the workers.

Each queue is a failure domain of its own: a slow poll never holds up a quick message.
"""

from __future__ import annotations

from typing import Final

QUICK: Final = "quick"
BULK: Final = "bulk"
POLL: Final = "poll"
REPLIES: Final = "replies"
CONTROL: Final = "control"
#: Where every language sends jobs. No other work waits behind what comes in here.
SUBMISSIONS: Final = "submissions"

#: Those that have a due set.
DUE_QUEUES: Final = (QUICK, BULK, POLL, REPLIES, CONTROL)
#: Every queue at the broker. A worker serves each of them.
QUEUES: Final = (*DUE_QUEUES, SUBMISSIONS)

SUBMIT: Final = "campaigns.submit"
#: A bell: a worker takes what is due in the queue that the message names.
WORK: Final = "campaigns.work"

#: Where a task is consumed.
TASK_QUEUES: Final[dict[str, tuple[str, ...]]] = {SUBMIT: (SUBMISSIONS,), WORK: DUE_QUEUES}
