"""What a crash report may show: where and why it happened, and no phones or texts."""

from __future__ import annotations

import traceback

from campaigns.logs import chain


def drop_locals(error: BaseException) -> None:
    """Clear the local variables of all frames that `error` and its causes came through.

    Crash reporters show them, and a worker's frames hold phones and texts. Files and lines stay.
    """
    for one in chain(error):
        traceback.clear_frames(one.__traceback__)
