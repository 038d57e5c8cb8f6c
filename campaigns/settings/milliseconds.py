"""Settings that are lengths of time, in milliseconds as the store counts: how long things live, and waits."""

from __future__ import annotations

from campaigns.settings.options import Settings


class Milliseconds:
    """`retention` is `Settings.retention_s` in whole milliseconds, and so on; some are made of several settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def retention(self) -> int:
        """Life of what is over: campaigns, deliveries, message ids."""
        return _ms(self._settings.retention_s)

    @property
    def key_retention(self) -> int:
        """Life of a job's key after its campaign."""
        return _ms(self._settings.key_retention_s)

    @property
    def audit_retention(self) -> int:
        """Life of the record of who did what."""
        return _ms(self._settings.audit_retention_s)

    @property
    def events(self) -> int:
        """Life of an event, while there is room."""
        return _ms(self._settings.events_life_s)

    @property
    def unsent_body(self) -> int:
        """Life of a request body that waits to be sent."""
        return _ms(self._settings.body_retention_s)

    @property
    def lookalikes(self) -> int:
        """Life of the entries by which lookalikes are found: as long as a batch waits and is then followed."""
        return _ms(self._settings.body_retention_s + self._settings.poll_horizon_s)

    @property
    def awaited_ids(self) -> int:
        """Life of the list of batches whose message ids are not known: as long as a doubt may need them."""
        return _ms(max(self._settings.retention_s, 2 * self._settings.settle_window_s))

    @property
    def planning_lease(self) -> int:
        """Lease of a plan that its producer works on."""
        return _ms(self._settings.planning_lease_s)

    @property
    def lease(self) -> int:
        """Lease of a claimed batch."""
        return _ms(self._settings.lease_s)

    @property
    def deadline(self) -> int:
        """The most that a request may take."""
        return _ms(self._settings.deadline_s)

    @property
    def schedule_lead(self) -> int:
        """How long before its time a scheduled batch is handed over."""
        return _ms(self._settings.schedule_lead_s)

    @property
    def poll_min(self) -> int:
        """Least time between two polls of a batch."""
        return _ms(self._settings.poll_min_s)

    @property
    def poll_horizon(self) -> int:
        """How long a batch is followed."""
        return _ms(self._settings.poll_horizon_s)

    @property
    def reply_window(self) -> int:
        """How long replies to a batch are fetched."""
        return _ms(self._settings.reply_window_s)

    @property
    def settle_window(self) -> int:
        """How long a request may take to appear in getViberMessages. It has nothing to do with settled batches."""
        return _ms(self._settings.settle_window_s)

    @property
    def check_interval(self) -> int:
        """Least time between two checks of the listing for one batch."""
        return _ms(self._settings.check_interval_s)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
