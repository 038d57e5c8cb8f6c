"""What a crash shows: where it happened and why, and nothing of what was in hand."""

from __future__ import annotations

import traceback

from campaigns.logs import chain


def drop_locals(error: BaseException) -> None:
    """Empty the local variables of all frames that `error` and what caused it came through.

    Crash reporters show them, and a worker's frames hold phones and texts. Files and lines stay.
    """
    for one in chain(error):
        traceback.clear_frames(one.__traceback__)
