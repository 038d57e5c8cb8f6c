"""The gateway: eleven methods, what may be retried, and the limiter that all workers share."""

from __future__ import annotations

from campaigns.answers.values import MailingData
from campaigns.gateway.client import Gateway, Polled
from campaigns.gateway.transport import Transport

__all__ = ["Gateway", "MailingData", "Polled", "Transport"]
