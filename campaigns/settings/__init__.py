"""Settings, read once from the environment. All bad values are reported together."""

from __future__ import annotations

from campaigns.settings.milliseconds import Milliseconds
from campaigns.settings.options import DEFAULT_ACCOUNT, PREFIX, Rate, Secret, Settings, token_variable, variable_of

__all__ = ["DEFAULT_ACCOUNT", "PREFIX", "Milliseconds", "Rate", "Secret", "Settings", "token_variable", "variable_of"]
