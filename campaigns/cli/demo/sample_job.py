"""The five mailings that the demonstration sends: each form that sendBulkViber knows, to two phones."""

from __future__ import annotations

from typing import Any

SITE = "https://example-site.com"


def sample_job() -> dict[str, Any]:
    """Personal and bulk, text, image and button, as the contract's own sample request has them."""
    forms = _forms(["375291111111", "375292222222"], f"{SITE}/images/image.jpg", f"{SITE}/some_action")
    return {
        "name": "five mailings",
        "messages": [
            {"alphaname_id": "444", "name": f"mailing list {number}", **form} for number, form in enumerate(forms, 1)
        ],
    }


def _forms(phones: list[str], image: str, action: str) -> list[dict[str, Any]]:
    return [
        {
            "message_type": "personal",
            "content": {"type": "button", "image_url": image, "caption": "Push me"},
            "delivery_list": [
                {"phone": phone, "text": f"personal message 1.{n}", "button_link": f"{action}/{n}"}
                for n, phone in enumerate(phones, 1)
            ],
        },
        {
            "message_type": "personal",
            "content": {"type": "text"},
            "delivery_list": [{"phone": phone, "text": f"personal message 2.{n}"} for n, phone in enumerate(phones, 1)],
        },
        {
            "message_type": "bulk",
            "content": {
                "type": "button",
                "image_url": image,
                "button_link": action,
                "caption": "Button",
                "text": "message text 3",
            },
            "delivery_list": phones,
        },
        {
            "message_type": "bulk",
            "content": {"type": "text", "text": "message text 4"},
            "delivery_list": phones,
        },
        {
            "message_type": "bulk",
            "content": {"type": "image", "image_url": image},
            "delivery_list": phones,
        },
    ]
