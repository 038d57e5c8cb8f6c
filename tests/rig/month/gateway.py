"""The gateway of the month: the methods that its traffic needs, answered in this process as bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from random import Random
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from campaigns.errors import NotSentError
from campaigns.gateway.calls import Call
from campaigns.gateway.meaning import Answer
from campaigns.gateway.transport import Transport
from campaigns.settings import Secret
from tests.rig.month.fates import Step, fate

_ZONE = ZoneInfo("Europe/Minsk")
#: Twice the time for which anybody asks, and a day.
_KEPT_MS = 7 * 86_400_000


class Mailing:
    """One mailing: its deliveries as they are at a moment, and the replies to it."""

    def __init__(self, message_id: int, first_delivery_id: int, name: str, phones: Sequence[str]) -> None:
        self.message_id = message_id
        self.name = name
        self.phones = phones
        self.first_delivery_id = first_delivery_id
        self.replies: dict[str, tuple[int, str, str]] = {}
        self.began_ms = 0
        self.now = [Step(0, "NEW")] * len(phones)
        self._to_come: list[tuple[Step, int]] = []
        self._rows = [b""] * len(phones)
        self._written = b""

    def begin(self, random: Random, start_ms: int) -> list[tuple[int, str, str]]:
        """Deliveries begin. Returns the replies that will come: when (unix ms), phone, text."""
        self.began_ms, replies = start_ms, []
        for index, phone in enumerate(self.phones):
            found = fate(random, start_ms)
            self._to_come += [(step, index) for step in found.steps]
            if found.reply:
                replies.append((found.reply[0], phone, found.reply[1]))
        self._to_come.sort(reverse=True)
        return replies

    def move_to(self, now_ms: int) -> bool:
        """Let the deliveries go on. Returns whether anything changed."""
        changed = set()
        while self._to_come and self._to_come[-1][0].at_ms <= now_ms:
            step, index = self._to_come.pop()
            self.now[index] = step
            changed.add(index)
        if len(self.phones) > 1:
            for index in changed:
                self._rows[index] = self._row(index)
        return bool(changed)

    def as_bulk(self, now_ms: int) -> bytes:
        """An element of statusBulkViber. Most answers are the one before."""
        if self.move_to(now_ms) or not self._written:
            rows = b",".join(self._rows if len(self.phones) > 1 else [self._row(0)])
            head = {"message_id": self.message_id, "name": self.name, "alphaname_id": 444}
            self._written = orjson.dumps(head)[:-1] + b',"success":[' + rows + b"]}"
        return self._written

    def _row(self, index: int) -> bytes:
        at_ms, word, _ = self.now[index]
        row = {
            "delivery_id": self.first_delivery_id + index,
            "phone": self.phones[index],
            "status": word,
            "status_time": _text(at_ms, "microseconds"),
        }
        return orjson.dumps(row)


class Month(Transport):
    """A transport behind which there is no network. `now_ms` is its clock. Calls may come from several threads."""

    def __init__(self, now_ms: Callable[[], int], seed: int) -> None:
        super().__init__("http://127.0.0.1:9", connect_timeout_s=1, deadline_s=1)
        self._now_ms = now_ms
        self._random = Random(seed)
        self._lock = Lock()
        self._kept: deque[tuple[int, str, list[Mailing]]] = deque()
        self._by_uuid: dict[str, list[Mailing]] = {}
        self._by_id: dict[int, Mailing] = {}
        self._of_reply: dict[str, Mailing] = {}
        self._ids = self._deliveries = self._replies = 1000
        #: Recipients that were paid for, requests of each method, replies that were marked.
        self.paid = 0
        self.requests: dict[str, int] = {}
        self.marked = 0

    def send(self, call: Call, token: Secret, *, may_write: Callable[[], bool] = lambda: True) -> Answer:
        if not may_write():
            raise NotSentError(call.method, "the lease does not cover the deadline")
        with self._lock:
            self.requests[call.method] = self.requests.get(call.method, 0) + 1
            raw = getattr(self, f"_{call.method}")(call, self._now_ms())
        return Answer(call.method, 200, None, raw, token=token)

    def _sendBulkViber(self, call: Call, now_ms: int) -> bytes:  # noqa: N802 (the gateway's name)
        messages = orjson.loads(b"{" + call.json + b"}")["messages"]
        mailings = [
            self._add(message["name"], [_phone_of(row) for row in message["delivery_list"]], now_ms)
            for message in messages
        ]
        uuid = f"{self._ids:032x}"
        self._keep(uuid, mailings, now_ms)
        return orjson.dumps({"uuid": uuid, "success": "OK"})

    def _statusBulkViber(self, call: Call, now_ms: int) -> bytes:  # noqa: N802
        return b"[" + b",".join(mailing.as_bulk(now_ms) for mailing in self._by_uuid[call.query["uuid"]]) + b"]"

    def _sendQuickViberMessage(self, call: Call, now_ms: int) -> bytes:  # noqa: N802
        mailing = self._add("", [call.form["phone"]], now_ms)
        self._keep("", [mailing], now_ms)
        return _ok({"message_id": mailing.message_id})

    def _getViberDeliveryData(self, call: Call, now_ms: int) -> bytes:  # noqa: N802
        mailing = self._of(call)
        mailing.move_to(now_ms)
        _, word, code = mailing.now[0]
        return _ok({"phone": mailing.phones[0], "status": word, "error_code": code})

    def _getViberMessageData(self, call: Call, now_ms: int) -> bytes:  # noqa: N802
        mailing = self._of(call)
        began = _text(mailing.began_ms, "seconds")
        cost = Decimal("0.049") * len(mailing.phones)
        data = {"message_id": mailing.message_id, "message_type": "TEXT", "message": "", "status": "SENT"}
        return _ok({**data, "d_create": began, "d_schedule": began, "cost": f"{cost:.5f} EUR"})

    def _getNewIncomingMessages(self, call: Call, now_ms: int) -> bytes:  # noqa: N802
        replies = self._of(call).replies.items()
        return _ok(
            [
                {"id": number, "phone": phone, "message": text, "d_receiver": _text(at_ms, "seconds")}
                for number, (at_ms, phone, text) in replies
                if at_ms <= now_ms
            ]
        )

    def _readResponseStatus(self, call: Call, now_ms: int) -> bytes:  # noqa: N802
        numbers = call.form["incoming_messages"].split(",")
        marked = sum(self._of_reply.pop(number).replies.pop(number, None) is not None for number in numbers)
        self.marked += marked
        return _ok(f"Number of flagged messages: {marked}")

    def _of(self, call: Call) -> Mailing:
        return self._by_id[int(call.form["message_id"])]

    def _add(self, name: str, phones: Sequence[str], now_ms: int) -> Mailing:
        self._ids += 1
        mailing = Mailing(self._ids, self._deliveries, name, phones)
        self._deliveries += len(phones)
        self.paid += len(phones)
        for at_ms, phone, text in mailing.begin(self._random, now_ms):
            self._replies += 1
            mailing.replies[str(self._replies)] = (at_ms, phone, text)
            self._of_reply[str(self._replies)] = mailing
        return mailing

    def _keep(self, uuid: str, mailings: list[Mailing], now_ms: int) -> None:
        self._by_uuid[uuid] = mailings
        self._by_id.update((mailing.message_id, mailing) for mailing in mailings)
        self._kept.append((now_ms, uuid, mailings))
        while self._kept[0][0] < now_ms - _KEPT_MS:
            _, old, gone = self._kept.popleft()
            self._by_uuid.pop(old, None)
            for mailing in gone:
                del self._by_id[mailing.message_id]
                for number in mailing.replies:
                    self._of_reply.pop(number, None)


def _phone_of(row: Any) -> str:
    return str(row["phone"] if isinstance(row, dict) else row)


def _text(at_ms: int, to: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=_ZONE).replace(tzinfo=None).isoformat(" ", to)


def _ok(result: object) -> bytes:
    return orjson.dumps({"status": "OK", "result": result})
