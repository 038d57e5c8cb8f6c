"""The suite's own environment: variables of the process that starts it change nothing."""

from __future__ import annotations

import os
import time
from collections.abc import MutableMapping

#: Ours, Celery's, a test runner's terminal, zone and language, proxies and authorities.
_PREFIXES = ("CAMPAIGNS_", "CELERY_", "RIG_", "ORDINARY_", "LC_", "_CAMPAIGNS_", "DJANGO_", "FLASK_")
_NAMES = frozenset(
    {
        "ALL_PROXY", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS", "CURL_CA_BUNDLE", "FORCE_COLOR", "HTTPS_PROXY",
        "HTTP_PROXY", "LANG", "LANGUAGE", "LINES", "NO_COLOR", "NO_PROXY", "PYTHONIOENCODING", "PYTHONOPTIMIZE",
        "PYTHONUNBUFFERED", "PYTHONWARNINGS", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE", "TERM",
        "TTY_COMPATIBLE", "TTY_INTERACTIVE", "TZ",
    }
)  # fmt: skip


def put_in_order(environ: MutableMapping[str, str] = os.environ) -> None:
    """Take out what tests could depend on, and say what they may rely on: UTF-8 and UTC."""
    for name in list(environ):
        if name.startswith(_PREFIXES) or name.upper() in _NAMES:
            del environ[name]
    environ.update({"LC_ALL": "C.UTF-8", "TZ": "UTC"})
    time.tzset()
