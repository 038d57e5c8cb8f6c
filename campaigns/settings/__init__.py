"""Settings, read once from the environment. All bad values are reported together."""

from __future__ import annotations

from campaigns.settings.environment import DEFAULT_ACCOUNT, PREFIX, token_variable, variable_of
from campaigns.settings.milliseconds import Milliseconds
from campaigns.settings.options import Settings
from campaigns.settings.values import Rate, Secret

__all__ = ["DEFAULT_ACCOUNT", "PREFIX", "Milliseconds", "Rate", "Secret", "Settings", "token_variable", "variable_of"]
