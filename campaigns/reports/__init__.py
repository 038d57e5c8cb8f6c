"""Reports on a campaign: one page for people, or a row per message."""

from __future__ import annotations

from campaigns.reports.build import report_on, rows
from campaigns.reports.figures import Report
from campaigns.reports.languages import LANGUAGES
from campaigns.reports.mailing_rows import MAILING_COLUMNS, mailing_lines
from campaigns.reports.page import page
from campaigns.reports.rows import COLUMNS, Row, csv_lines, excel_lines, json_lines

__all__ = [
    "COLUMNS",
    "LANGUAGES",
    "MAILING_COLUMNS",
    "Report",
    "Row",
    "csv_lines",
    "excel_lines",
    "json_lines",
    "mailing_lines",
    "page",
    "report_on",
    "rows",
]
