"""The sandbox's state and its eleven methods, behind one lock. Knows nothing of HTTP."""

from __future__ import annotations

import uuid as uuids
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from threading import RLock
from typing import Any, Final

from campaigns.sandbox.clock import LifeClock
from campaigns.sandbox.contents import Broken, BulkMailing, phone_number, read_bulk, read_form, read_time
from campaigns.sandbox.fates import BLOCKED, Fate, Step, fate_of, pace_of, reached
from campaigns.sandbox.options import Options, units
from campaigns.sandbox.parameters import Parameters
from campaigns.sandbox.records import (
    BULK,
    LIST,
    QUICK,
    Content,
    Forwarding,
    Incoming,
    Mailing,
    Override,
    Refusal,
    Request,
    money,
)

_NO_MONEY: Final = "Insufficient funds"
_FIRST_LISTS: Final = {1: 4, 2: 25}


class World:
    """Everything the sandbox remembers. Every public method may be called from any thread."""

    def __init__(self, options: Options, clock: LifeClock) -> None:
        self.lock = RLock()
        self.options = options
        self.clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget everything but the options."""
        with self.lock:
            self.balances: dict[str, int] = {}
            self.mailings: dict[int, Mailing] = {}
            self.requests: dict[str, Request] = {}
            self.incoming: dict[int, Incoming] = {}
            self.blocked: set[int] = set()
            self.lists = {
                number: array("Q", (375440000000 + number * 1000 + n for n in range(size)))
                for number, size in _FIRST_LISTS.items()
            }
            self._message_ids = count(8001)
            self._delivery_ids = 100_001
            self._incoming_ids = count(1201)
            self.spent = 0

    # What the methods share.

    def _charge(self, account: str, cost: int) -> None:
        balance = self.balances.setdefault(account, units(self.options.balance))
        if balance < cost:
            raise Refusal(_NO_MONEY)
        self.balances[account] = balance - cost
        self.spent += cost

    def _add(
        self,
        kind: str,
        account: str,
        name: str,
        sender_id: int,
        content: Content,
        phones: array[int],
        **more: Any,
    ) -> Mailing:
        mailing = Mailing(
            message_id=next(self._message_ids),
            kind=kind,
            account=account,
            name=name,
            sender_id=sender_id,
            content=content,
            phones=phones,
            first_delivery_id=self._delivery_ids,
            created_ms=self.clock.now_ms(),
            unit_cost=self.options.unit_cost,
            **more,
        )
        self._delivery_ids += len(phones)
        self.mailings[mailing.message_id] = mailing
        return mailing

    def _start(self, mailing: Mailing) -> None:
        """It is paid for: deliveries begin, now or at the schedule."""
        now_ms = self.clock.now_ms()
        mailing.paid_ms = now_ms
        mailing.start_ms = max(now_ms, mailing.schedule_ms or 0)
        start_life = self.clock.life_at(mailing.start_ms)
        for index, phone in enumerate(mailing.phones):
            fate = self._fate(mailing, index)
            mailing.pending_replies += [
                (start_life + after_s * pace_of(phone) * 1000, phone, text) for after_s, text in fate.replies
            ]

    def _fate(self, mailing: Mailing, index: int) -> Fate:
        phone = mailing.phones[index]
        return BLOCKED if phone in self.blocked else fate_of(phone)

    def _mailing(self, account: str, message_id: int) -> Mailing:
        mailing = self.mailings.get(message_id)
        if mailing is None or mailing.account != account:
            raise Refusal("Message not found")
        return mailing

    def step(self, mailing: Mailing, index: int) -> tuple[str, int, int]:
        """Status, error code and when (unix ms) of one delivery."""
        start_ms, phone = mailing.start_ms, mailing.phones[index]
        override = mailing.overrides.get(index)
        if override is not None:
            return override.status, override.error_code, override.at_ms
        now_ms = self.clock.now_ms()
        if start_ms is None or start_ms > now_ms:
            return "NEW", 0, mailing.created_ms
        start_life = self.clock.life_at(start_ms)
        elapsed_s = (self.clock.life_at(now_ms) - start_life) / 1000
        at: Step = reached(self._fate(mailing, index), pace_of(phone), elapsed_s)
        return at.status, at.error_code, round(self.clock.wall_at(start_life + at.after_s * 1000))

    def _text_time(self, ms: float, layout: str) -> str:
        return datetime.fromtimestamp(ms / 1000, tz=self.options.zone).strftime(layout)

    # The eleven methods. Each takes the account (a digest of its token) and the parameters.

    def send_bulk_viber(self, account: str, parameters: Parameters) -> dict[str, Any]:
        """A uuid first; what is wrong with a mailing shows in statusBulkViber, by its name."""
        messages = parameters.json("messages")
        if not isinstance(messages, list) or not messages:
            raise Refusal("The messages field is required", 400)
        read: list[BulkMailing | str] = []
        for number, message in enumerate(messages, 1):
            named = message.get("name") if isinstance(message, dict) else None
            name = str(named or f"mailing {number}")
            try:
                read.append(read_bulk(message, name, self.options.zone))
            except Broken as broken:
                read.append(f"{name}: {broken}")
        with self.lock:
            good = [found for found in read if isinstance(found, BulkMailing)]
            self._charge(account, self.options.unit_cost * sum(len(m.phones) for m in good))
            request = Request(str(uuids.uuid4()), account, self.clock.now_ms())
            for found in read:
                if isinstance(found, str):
                    request.results.append(found)
                    continue
                mailing = self._add(
                    BULK,
                    account,
                    found.name,
                    found.alphaname_id,
                    found.content,
                    found.phones,
                    uuid=request.uuid,
                    texts=found.texts,
                    links=found.links,
                    schedule_ms=found.schedule_ms,
                )
                self._start(mailing)
                request.results.append(mailing.message_id)
            self.requests[request.uuid] = request
        return {"uuid": request.uuid, "success": "OK"}

    def status_bulk_viber(self, account: str, parameters: Parameters) -> list[dict[str, Any]]:
        with self.lock:
            request = self.requests.get(parameters.text("uuid"))
            if request is None or request.account != account:
                raise Refusal("Uuid not found", 404)
            late_ms = self.options.validation_delay_s * 1000
            if self.clock.now_ms() < request.accepted_ms + late_ms:
                return []
            return [
                {"errors": [result]} if isinstance(result, str) else self._bulk_element(self.mailings[result])
                for result in request.results
            ]

    def _bulk_element(self, mailing: Mailing) -> dict[str, Any]:
        rows = []
        for index, phone in enumerate(mailing.phones):
            status, _, at_ms = self.step(mailing, index)
            rows.append(
                {
                    "delivery_id": mailing.first_delivery_id + index,
                    "phone": str(phone),
                    "status": status,
                    "status_time": self._text_time(at_ms, "%Y-%m-%d %H:%M:%S.%f"),
                }
            )
        return {
            "message_id": mailing.message_id,
            "name": mailing.name,
            "alphaname_id": mailing.sender_id,
            "success": rows,
        }

    def send_quick_viber_message(self, account: str, parameters: Parameters) -> dict[str, Any]:
        sender_id = parameters.integer("vibername_id")
        content = read_form(parameters)
        try:
            phone = phone_number(parameters.text("phone"))
        except Broken as broken:
            raise Refusal(str(broken)) from None
        forwarding = None
        if parameters.integer("forwarding_message", 0) == 1:
            minutes = parameters.integer("forwarding_time", 60)
            if not 5 <= minutes <= 60:
                raise Refusal("The forwarding_time must be between 5 and 60")
            alphaname = parameters.integer("alphaname_id", 0)
            forwarding = Forwarding(minutes, alphaname or None)
        with self.lock:
            self._charge(account, self.options.unit_cost)
            mailing = self._add(QUICK, account, "", sender_id, content, array("Q", [phone]), forwarding=forwarding)
            self._start(mailing)
        return _ok({"message_id": mailing.message_id})

    def get_viber_delivery_data(self, account: str, parameters: Parameters) -> dict[str, Any]:
        with self.lock:
            mailing = self._mailing(account, parameters.integer("message_id"))
            status, error_code, _ = self.step(mailing, 0)
            return _ok({"phone": str(mailing.phones[0]), "status": status, "error_code": error_code})

    def send_viber_message_list(self, account: str, parameters: Parameters) -> dict[str, Any]:
        """Creates, and costs nothing."""
        sender_id, list_id = parameters.integer("vibername_id"), parameters.integer("list_id")
        content = read_form(parameters)
        schedule = parameters.text("d_schedule", "")
        try:
            schedule_ms = read_time(schedule, "%Y-%m-%d %H:%M", self.options.zone) if schedule else None
        except Broken as broken:
            raise Refusal(str(broken)) from None
        with self.lock:
            phones = self.lists.get(list_id)
            if phones is None:
                raise Refusal("List not found")
            name = parameters.text("name", f"list {list_id}")
            mailing = self._add(LIST, account, name, sender_id, content, array("Q", phones), schedule_ms=schedule_ms)
        return _ok({"message_id": mailing.message_id, "count_subscribers": len(mailing.phones)})

    def confirm_viber_message(self, account: str, parameters: Parameters) -> dict[str, Any]:
        """Takes the money, once."""
        with self.lock:
            mailing = self._mailing(account, parameters.integer("message_id"))
            if mailing.kind != LIST:
                raise Refusal("Message not found")
            if mailing.paid_ms is not None:
                raise Refusal("Message is already confirmed")
            self._charge(account, mailing.cost)
            self._start(mailing)
        return {"status": "OK"}

    def get_viber_messages(self, account: str, parameters: Parameters) -> dict[str, Any]:
        """Newest first."""
        offset, rows = parameters.integer("limit_offset", 0), parameters.integer("limit_rows", 100)
        with self.lock:
            latest_ms = self.clock.now_ms() - self.options.listing_delay_s * 1000
            hidden = {BULK: not self.options.list_bulk, QUICK: not self.options.list_quick, LIST: False}
            listed = [
                mailing
                for mailing in reversed(self.mailings.values())
                if mailing.account == account and not hidden[mailing.kind] and mailing.created_ms <= latest_ms
            ]
            return _ok([self._data(mailing) for mailing in listed[offset : offset + rows]])

    def get_viber_message_data(self, account: str, parameters: Parameters) -> dict[str, Any]:
        with self.lock:
            return _ok(self._data(self._mailing(account, parameters.integer("message_id"))))

    def _data(self, mailing: Mailing) -> dict[str, Any]:
        layout = "%Y-%m-%d %H:%M:%S"
        content = mailing.content
        return {
            "message_id": mailing.message_id,
            "message_type": content.type,
            "message": content.text,
            "button_caption": content.caption,
            "button_link": content.button_link,
            "image_file": content.upload.name if content.upload else "",
            "status": mailing.word(self.clock.now_ms()),
            "d_create": self._text_time(mailing.created_ms, layout),
            "d_schedule": self._text_time(mailing.schedule_ms or mailing.created_ms, layout),
            "cost": money(mailing.cost),
        }

    def get_viber_delivery_list(self, account: str, parameters: Parameters) -> dict[str, Any]:
        with self.lock:
            mailing = self._mailing(account, parameters.integer("message_id"))
            rows = []
            for index, phone in enumerate(mailing.phones):
                status, error_code, _ = self.step(mailing, index)
                rows.append(
                    {
                        "delivery_id": mailing.first_delivery_id + index,
                        "phone": str(phone),
                        "status": status,
                        "error_code": error_code,
                    }
                )
            return _ok(rows)

    def get_new_incoming_messages(self, account: str, parameters: Parameters) -> dict[str, Any]:
        """What was not marked yet."""
        with self.lock:
            mailing = self._mailing(account, parameters.integer("message_id"))
            self._receive(mailing)
            messages = [self.incoming[number] for number in mailing.incoming_ids]
            return _ok(
                [
                    {
                        "id": str(message.id),
                        "phone": str(message.phone),
                        "message": message.text,
                        "d_receiver": self._text_time(message.received_ms, "%Y-%m-%d %H:%M:%S"),
                    }
                    for message in messages
                    if not message.marked
                ]
            )

    def read_response_status(self, account: str, parameters: Parameters) -> dict[str, Any]:
        marked = 0
        with self.lock:
            for part in parameters.text("incoming_messages").split(","):
                message = self.incoming.get(int(part)) if part.strip().isdigit() else None
                if message is not None and self.mailings[message.message_id].account == account:
                    marked += not message.marked
                    message.marked = True
        return _ok(f"Number of flagged messages: {marked}")

    def _receive(self, mailing: Mailing) -> None:
        life = self.clock.life_at(self.clock.now_ms())
        due = [reply for reply in mailing.pending_replies if reply[0] <= life]
        mailing.pending_replies = [reply for reply in mailing.pending_replies if reply[0] > life]
        for at_life, phone, text in sorted(due):
            self.reply(mailing, phone, text, round(self.clock.wall_at(at_life)))

    # What people do, over the control endpoint.

    def reply(self, mailing: Mailing, phone: int, text: str, at_ms: int | None = None) -> int:
        """The recipient answers. Returns the reply's id."""
        with self.lock:
            number = next(self._incoming_ids)
            received_ms = at_ms if at_ms is not None else self.clock.now_ms()
            self.incoming[number] = Incoming(number, mailing.message_id, phone, text, received_ms)
            mailing.incoming_ids.append(number)
            return number

    def latest_to(self, phone: int, message_id: int | None = None) -> tuple[Mailing, int]:
        """The newest mailing to a phone, and its place in it. Raises Refusal if there is none."""
        with self.lock:
            for mailing in reversed(self.mailings.values()):
                if message_id in {None, mailing.message_id} and phone in mailing.phones and mailing.start_ms:
                    return mailing, mailing.phones.index(phone)
        raise Refusal("This phone got nothing", 404)

    def decide(self, phone: int, status: str, error_code: int = 0, message_id: int | None = None) -> None:
        """The recipient reads, or blocks: the delivery's status from now on."""
        with self.lock:
            mailing, index = self.latest_to(phone, message_id)
            mailing.overrides[index] = Override(status, self.clock.now_ms(), error_code)

    def change(self, options: Options) -> None:
        """Other options from now on."""
        with self.lock:
            if options.speed != self.options.speed:
                self.clock.set_speed(options.speed)
            self.options = replace(options)

    def make_list(self, list_id: int, phones: Sequence[str]) -> None:
        """A list of subscribers at the gateway."""
        try:
            numbers = array("Q", map(phone_number, phones))
        except Broken as broken:
            raise Refusal(str(broken), 400) from None
        with self.lock:
            self.lists[list_id] = numbers

    # The truth.

    def ledger(self) -> Iterator[dict[str, Any]]:
        """One row per message that was really sent, with what it cost."""
        with self.lock:
            paid = [mailing for mailing in self.mailings.values() if mailing.paid_ms is not None]
        for mailing in paid:
            yield from self._rows(mailing)

    def _rows(self, mailing: Mailing) -> Iterator[dict[str, Any]]:
        content, upload = mailing.content, mailing.content.upload
        for index, phone in enumerate(mailing.phones):
            status, error_code, at_ms = self.step(mailing, index)
            yield {
                "message_id": mailing.message_id,
                "delivery_id": mailing.first_delivery_id + index,
                "uuid": mailing.uuid,
                "kind": mailing.kind,
                "mailing": mailing.name,
                "sender_id": mailing.sender_id,
                "phone": str(phone),
                "type": content.type,
                "text": mailing.texts[index] if mailing.texts else content.text,
                "image_url": content.image_url,
                "image": {"bytes": upload.size_bytes, "sha256": upload.sha256} if upload else None,
                "button": content.caption,
                "button_link": mailing.links[index] if mailing.links else content.button_link,
                "cost": money(mailing.unit_cost),
                "accepted_at_ms": mailing.paid_ms,
                "starts_at_ms": mailing.start_ms,
                "status": status,
                "status_at_ms": at_ms,
                "error_code": error_code,
                "sms": self._forwarded(mailing, status, at_ms),
            }

    def _forwarded(self, mailing: Mailing, status: str, at_ms: int) -> bool:
        """Whether the message went on as SMS: not delivered within its minutes."""
        if mailing.forwarding is None or mailing.start_ms is None:
            return False
        life = self.clock.life_at
        limit_life = life(mailing.start_ms) + mailing.forwarding.after_minutes * 60_000
        if status in {"DELIVERED", "READ"}:
            delivered_life = life(at_ms) if status == "DELIVERED" else life(mailing.start_ms)
            return delivered_life > limit_life
        return life(self.clock.now_ms()) >= limit_life

    def figures(self) -> dict[str, Any]:
        """Money, and how many messages."""
        with self.lock:
            paid = [mailing for mailing in self.mailings.values() if mailing.paid_ms is not None]
            return {
                "messages": sum(len(mailing.phones) for mailing in paid),
                "mailings": len(paid),
                "spent": money(self.spent),
                "spent_units": self.spent,
                "balances": {account: money(left) for account, left in self.balances.items()},
                "unmarked_replies": sum(not message.marked for message in self.incoming.values()),
            }


def _ok(result: Any) -> dict[str, Any]:
    return {"status": "OK", "result": result}
