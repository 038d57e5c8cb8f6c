"""The evaluation of a campaign: results by mailing, side by side, and whether their differences mean anything."""

from __future__ import annotations

from campaigns.evaluation.build import Evaluation, batches_of, has_several_mailings, results_of, zone_of
from campaigns.evaluation.chance import Comparison, Share
from campaigns.evaluation.contents import Content
from campaigns.evaluation.hours import busiest
from campaigns.evaluation.responses import opted_out_by
from campaigns.evaluation.values import Failure, MailingResults, OptedOut, Results

__all__ = [
    "Comparison",
    "Content",
    "Evaluation",
    "Failure",
    "MailingResults",
    "OptedOut",
    "Results",
    "Share",
    "batches_of",
    "busiest",
    "has_several_mailings",
    "opted_out_by",
    "results_of",
    "zone_of",
]
