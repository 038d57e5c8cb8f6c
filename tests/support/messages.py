"""Jobs as an application in another language sends them: messages of Celery's, straight to the broker."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

from redis import Redis


def submit(redis_url: str, prefix: str, job: Any) -> None:
    message_id = str(uuid.uuid4())
    message = {
        "body": base64.b64encode(json.dumps([[job], {}, {}]).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"task": "campaigns.submit", "id": message_id},
        "properties": {
            "correlation_id": message_id,
            "delivery_info": {"exchange": "", "routing_key": "submissions"},
            "delivery_tag": message_id,
            "body_encoding": "base64",
        },
    }
    with Redis.from_url(redis_url) as redis:
        redis.lpush(f"{prefix}celery:submissions", json.dumps(message))
