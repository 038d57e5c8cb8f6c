"""Builders of jobs, with overrides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent.parent / "samples"


def sample(name: str) -> Any:
    """A JSON document of the gateway's contract."""
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def sample_job(schedule: str | None = "2040-10-30T22:56:00") -> dict[str, Any]:
    """The contract's sample request as a job: without its token, its schedule moved or left out."""
    job: dict[str, Any] = sample("sendBulkViber.request")
    del job["token"]
    for mailing in job["messages"]:
        del mailing["schedule_time"]
        if schedule is not None:
            mailing["schedule_time"] = schedule
    return job


def phones(number: int, start: int = 0) -> list[str]:
    """Phones whose messages are read and that say nothing."""
    return [f"37529{n:07d}" for n in range(1_000_000 + start, 1_000_000 + start + number)]


def bulk_job(recipients: Sequence[Any], text: str = "hello", **more: Any) -> dict[str, Any]:
    return {
        "messages": [
            {
                "alphaname_id": "444",
                "message_type": "bulk",
                "content": {"type": "text", "text": text},
                "delivery_list": list(recipients),
            }
        ],
        **more,
    }


def personal_job(rows: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {
        "messages": [
            {
                "alphaname_id": "444",
                "message_type": "personal",
                "content": {"type": "text"},
                "delivery_list": list(rows),
            }
        ],
        **more,
    }


def template_job(rows: Sequence[Any] | None, text: str, button_link: str | None = None, **more: Any) -> dict[str, Any]:
    """A personal mailing whose content has a text that values fill; without `rows` they come beside it."""
    content = {"type": "text", "text": text}
    if button_link is not None:
        image = "https://example.com/a.jpg"
        content |= {"type": "button", "button_link": button_link, "image_url": image, "caption": "Open"}
    job = personal_job(rows or (), **more)
    job["messages"][0]["content"] = content
    if rows is None:
        del job["messages"][0]["delivery_list"]
    return job


def quick_job(*recipients: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "quick",
        "vibername_id": 7,
        "message": "quick hello",
        "delivery_list": list(recipients),
        **more,
    }


def list_job(list_id: int = 2, **more: Any) -> dict[str, Any]:
    return {"kind": "list", "vibername_id": 7, "list_id": list_id, "message": "list hello", **more}
