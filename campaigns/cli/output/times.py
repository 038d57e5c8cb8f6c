"""The zone in which the command shows times."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from campaigns.wiring import default_services


def display_zone() -> ZoneInfo:
    """The gateway's time zone. Raises SettingsError."""
    return default_services().settings.gateway_timezone
