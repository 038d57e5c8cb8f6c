"""The exit codes of the command. `campaigns --help` explains them."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
WRONG: Final = 2
NO_STORE: Final = 3
NO_CAMPAIGN: Final = 4
NOT_POSSIBLE: Final = 5
INTERRUPTED: Final = 130
