"""Settings: read once from the environment, every bad value named together."""

from __future__ import annotations

from campaigns.settings.milliseconds import Milliseconds
from campaigns.settings.options import DEFAULT_ACCOUNT, PREFIX, Rate, Secret, Settings, token_variable, variable_of

__all__ = ["DEFAULT_ACCOUNT", "PREFIX", "Milliseconds", "Rate", "Secret", "Settings", "token_variable", "variable_of"]
