"""Makes the pictures in `deploy/guide/pictures`: the sandbox's page and a report, after one campaign.

`.venv/bin/python -m tests.pictures`, with Chromium installed as `chromium`, and `pngquant`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from campaigns import enqueue
from campaigns.reports import page, report_on
from campaigns.testing import Here, running
from tests.support.browser import Browser
from tests.support.documents import ROOT

FOLDER = ROOT / "deploy" / "guide" / "pictures"
#: Such a picture is loaded with the page that shows it.
MOST_BYTES = 150_000
#: The last digits of a phone choose its fate: see campaigns/sandbox/fates.py.
SAYS_YES = "375297779909"
FATES = {9901: 22, 9903: 9, 9904: 48, 9905: 6, 9908: 2, 9910: 17}


def mailing(name: str, text: str, phones: list[str]) -> dict[str, Any]:
    content = {
        "type": "button",
        "text": text,
        "caption": "To the shop",
        "image_url": "https://example.com/sale.jpg",
        "button_link": "https://example.com/sale",
    }
    return {"name": name, "alphaname_id": 444, "message_type": "bulk", "content": content, "delivery_list": phones}


def job() -> dict[str, Any]:
    """Some four hundred recipients, among them one who is there twice and one without a phone."""
    fates = [f"37529{n:03d}{last}" for last, often in FATES.items() for n in range(100, 100 + often)]
    minsk = [SAYS_YES, *fates, *(f"37529{n * 7919 % 9_000_000:07d}" for n in range(1, 160))]
    brest = [f"37533{n * 7919 % 9_000_000:07d}" for n in range(1, 160)]
    return {
        "name": "Spring sale",
        "messages": [
            mailing("Minsk", "Everything must go: 30 % off until Sunday.", [*minsk, minsk[7], "no phone"]),
            mailing("Brest", "Everything must go: 40 % off until Sunday.", brest),
        ],
    }


def sold(here: Here) -> str:
    """A finished campaign. Returns its id."""
    campaign = enqueue(job())
    here.finish(campaign)
    here.run_until(lambda: len(campaign.replies()) > 2 * FATES[9910])
    return campaign.id


def picture(browser: Browser, url: str, ready: str, file: Path) -> None:
    browser.open(url, width=1120)
    browser.command("Emulation.setScrollbarsHidden", hidden=True)
    browser.until(ready)
    time.sleep(1)  # what appears does so by and by
    taken = subprocess.run(["pngquant", "64", "-"], input=browser.picture(), capture_output=True, check=True).stdout
    assert len(taken) < MOST_BYTES, f"{file.name} has {len(taken):,} bytes"
    file.write_bytes(taken)
    sys.stdout.write(f"{file}: {len(taken):,} bytes\n")


def make(pictures: Path) -> None:
    with TemporaryDirectory() as folder, running(optout_words="STOP") as here, Browser(Path(folder)) as browser:
        report = Path(folder, "report.html")
        report.write_text(page(report_on(here.services, sold(here))), "utf-8")
        address = f"{here.sandbox.url}/#{urlencode({'open': f'{SAYS_YES}:444'})}"
        picture(browser, address, "document.querySelectorAll('#thread li').length >= 2", pictures / "sandbox.png")
        picture(browser, report.as_uri(), "document.querySelector('svg')", pictures / "report.png")


if __name__ == "__main__":
    make(FOLDER)
