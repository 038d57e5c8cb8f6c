"""Messages at the door, mutated at random: bytes, envelopes, headers, bodies, jobs. With a real store, in process.

Each goes the way of a worker: through the transport's reading of a Redis item, kombu's message, the consumer's
decision, and what the pool does with it.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from random import Random
from typing import Any, Final

import orjson
from kombu.serialization import loads, prepare_accept_content
from kombu.transport.virtual import Channel, Message

from campaigns.broker.envelopes import Envelope
from campaigns.names import SUBMIT, TASK_QUEUES
from campaigns.services import Services
from campaigns.settings import Secret, Settings
from campaigns.store.embedded import EmbeddedServer
from campaigns.submission import take_in
from campaigns.wiring import build_services
from tests.support.jobs import bulk_job, list_job, personal_job, quick_job
from workers.door import Consumer
from workers.transport import sound_item

#: Whatever happens, these stand in no error, no event and no line of a log.
PHONE: Final = "375291234567"
TOKEN: Final = "tok-5d1e7a90c2"
_MOST_BYTES: Final = 200_000
_ACCEPT: Final = prepare_accept_content(["json"])
_FLUSH_EVERY: Final = 2_000
_ODD: Final = (
    None, True, False, 0, -1, 2**63, 2**70, 1.5, 1e308, "", " ", "\x00", "\ud83d", "\u200b", "{name}", "x" * 3000, PHONE,
    [], [[]], {}, {"": None}, {"__type__": "datetime", "__value__": "x"}, {"__type__": 5}, [1] * 300, "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00", "https://e.com:99999/", "https://e.com/\u202e", "http://[::1", TOKEN, {PHONE: PHONE},
)  # fmt: skip


class _Decoding:
    """kombu's channel as far as a message asks it."""

    no_ack_consumers = None
    codecs = Channel.codecs
    decode_body = Channel.decode_body


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.text.append(f"{record.getMessage()} {record.__dict__}")


def run(count: int, seed: int) -> int:
    """Try `count` messages. Raises AssertionError, which names the message that went wrong. Returns the number."""
    random = Random(seed)
    lines = _Lines()
    logger = logging.getLogger("campaigns")
    logger.addHandler(lines)
    try:
        with EmbeddedServer() as server:
            services = build_services(Settings(redis_url=server.url, accounts={"default": Secret(TOKEN)}))
            door = _door()
            for number in range(count):
                item = _item(random)
                try:
                    _through(services, door, item)
                    if number % 50 == 0 or number == count - 1:
                        _nothing_told(lines)
                    if number % _FLUSH_EVERY == _FLUSH_EVERY - 1:
                        _check_store(services)
                except Exception as error:
                    raise AssertionError(f"message {number} of seed {seed}: {item[:3000]!r}") from error
            _check_store(services)
            services.store.redis.close()
    finally:
        logger.removeHandler(lines)
    return count


def _door() -> Consumer:
    door: Consumer = Consumer.__new__(Consumer)
    door.strategies = dict.fromkeys(TASK_QUEUES)
    return door


def _through(services: Services, door: Consumer, item: bytes) -> None:
    queue = "submissions"
    raw = json.loads(sound_item(item, queue, _MOST_BYTES))
    message = Message(raw, channel=_Decoding())
    assert not message.errors
    assert not door.is_wake_up(message), "nothing in the queue of submissions is a wake-up"
    door.enclose(message, door.envelope_of(message))
    assert message.headers["task"] == SUBMIT
    representations = {message.headers.get(name) for name in ("argsrepr", "kwargsrepr")}
    assert representations == {"(a message,)", "{}"}, "without these Celery writes the job itself into its log records"
    (packed,), named, _ = loads(message.body, message.content_type, message.content_encoding, accept=_ACCEPT)
    assert named == {}
    campaign_id = take_in(services, Envelope.unpacked(packed))
    if campaign_id is not None:
        campaign = services.campaigns.read(campaign_id)
        assert campaign.state in {"ready", "invalid", "finished"}, campaign.state
        errors = campaign.fields.get("errors", "")
        assert len(errors) < 400_000
        assert PHONE not in errors
        assert TOKEN not in errors


def _nothing_told(lines: _Lines) -> None:
    written = "\n".join(lines.text)
    lines.text.clear()
    assert PHONE not in written
    assert TOKEN not in written


def _check_store(services: Services) -> None:
    """Events and dead letters name no phone; then the store is emptied, for the next."""
    for event in services.events.since():
        written = orjson.dumps(event.data).decode()
        assert PHONE not in written, written
        assert TOKEN not in written, written
    for letter in services.rejected.newest():
        written = orjson.dumps(letter.as_dict()).decode()
        assert PHONE not in written, written
        assert TOKEN not in written, written
    services.store.redis.flushall()


def _item(random: Random) -> bytes:
    kind = random.random()
    if kind < 0.05:
        return random.choice(
            (
                b"",
                b"5",
                b"[" * random.choice((50, 600, 20_000)),
                random.randbytes(random.randrange(200)),
                PHONE.encode(),
            )
        )
    message = _message(random)
    if random.random() < 0.4:
        message = _mutated(random, message)
    text = json.dumps(message).encode()
    if random.random() < 0.05:
        place = random.randrange(len(text))
        text = text[:place] + random.randbytes(random.randrange(4)) + text[place + random.randrange(8) :]
    return text


def _message(random: Random) -> Any:
    headers: Any = {"task": SUBMIT, "id": f"{random.getrandbits(64):x}"}
    if random.random() < 0.2:
        name = random.choice(
            (
                "task",
                "id",
                "eta",
                "expires",
                "timelimit",
                "compression",
                "shadow",
                "campaigns-problem",
                "campaigns-size",
            )
        )
        headers[name] = random.choice((*_ODD, "2030-01-01T00:00:00", "2020-01-01T00:00:00", "application/x-gzip"))
    return {
        "body": _body(random),
        "content-type": random.choice(("application/json",) * 9 + (None, "x/y", 5)),
        "content-encoding": random.choice(("utf-8",) * 9 + (None, "utf-16", [])),
        "headers": headers,
        "properties": {"body_encoding": "base64", "delivery_tag": "same", "delivery_info": {"exchange": ""}},
    }


def _body(random: Random) -> Any:
    call: Any = [[_job(random)], {}, {"callbacks": None}]
    if random.random() < 0.3:
        call[1] = {random.choice(("key", "strict", "job", "x", PHONE)): random.choice((*_ODD, "k1", "k2"))}
    if random.random() < 0.15:
        call = _mutated(random, call)
    if random.random() < 0.05:
        call = {"task": SUBMIT, "id": "1", "args": call[0] if isinstance(call, list) and call else 5, "kwargs": {}}
    text = json.dumps(call).encode()
    if random.random() < 0.04:
        text = text[: random.randrange(len(text) + 1)] + random.randbytes(random.randrange(5))
    return base64.b64encode(text).decode()


def _job(random: Random) -> Any:
    build: Callable[[], Any] = random.choice(
        (
            lambda: bulk_job([PHONE, "x", 5]),
            lambda: personal_job([{"phone": PHONE, "text": "hello"}]),
            lambda: quick_job(PHONE),
            lambda: list_job(2),
            lambda: quick_job(PHONE, type_message="BUTTON", button="Go", button_link="https://e.com"),
        )
    )
    job = build()
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        job = _mutated(random, job)
    return job


def _mutated(random: Random, document: Any) -> Any:
    """A copy with one place replaced, dropped, doubled, wrapped or added to."""
    copy = json.loads(json.dumps(document))
    places: list[tuple[Any, Any]] = []
    _collect(copy, places)
    if not places:
        return random.choice(_ODD)
    holder, place = random.choice(places)
    match random.randrange(6):
        case 0:
            del holder[place]
        case 1:
            holder[place] = [holder[place]]
        case 2 if isinstance(holder, dict):
            holder[random.choice(("token", "kind", "name", PHONE, "\ud83d", "literal_text", "key", "max_cost"))] = (
                random.choice(_ODD)
            )
        case 3:
            nested: Any = 1
            for _ in range(random.choice((10, 40, 300))):
                nested = [nested]
            holder[place] = nested
        case _:
            holder[place] = random.choice(_ODD)
    return copy


def _collect(value: Any, places: list[tuple[Any, Any]]) -> None:
    for place, part in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        places.append((value, place))
        _collect(part, places)
