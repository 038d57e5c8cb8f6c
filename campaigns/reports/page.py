"""A report as one self-contained HTML file: no scripts, no content from other places. Pure."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from campaigns.reports.figures import Report
from campaigns.reports.frame import alerts, foot, top
from campaigns.reports.languages import language_of
from campaigns.reports.markup import Markup, element
from campaigns.reports.sections import View, sections


def page(report: Report, language: str = "en") -> str:
    """The whole document, in one of the LANGUAGES. Raises ValueError for another one."""
    view = View(report, language_of(language))
    status, say = report.status, view.language.say
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        element("title", f"{status.name or status.id}: {say('campaign report')}"),
        element("style", _style()),
    )
    main = element("main", top(view), *alerts(view), *sections(view), foot(view))
    return "<!doctype html>\n" + element("html", head, element("body", main), lang=view.language.code) + "\n"


@cache
def _style() -> Markup:
    return Markup(files("campaigns.reports").joinpath("page.css").read_text("utf-8"))


@cache
def _policy() -> str:
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
