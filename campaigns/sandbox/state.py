"""The sandbox's state behind one lock, and every change to it: by the gateway's methods, and by recipients."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from threading import RLock
from typing import Any, Final

from campaigns.sandbox.clock import LifeClock
from campaigns.sandbox.fates import BLOCKED, Fate, Step, fate_of, pace_of, reached
from campaigns.sandbox.models import (
    Content,
    Incoming,
    Mailing,
    Override,
    Refusal,
    Request,
    money,
)
from campaigns.sandbox.options import Options, units
from campaigns.sandbox.validation import Invalid, phone_number

_NO_MONEY: Final = "Insufficient funds"
_FIRST_LISTS: Final = {1: 4, 2: 25}
#: Statuses before a message reaches the phone, and statuses of messages that never do. Neither can be read.
_UNDER_WAY: Final = frozenset({"NEW", "SENT"})
_LOST: Final = frozenset({"UNDELIVERED", "EXPIRED", "BLOCKED", "REJECTED"})


class SandboxState:
    """Everything the sandbox keeps in memory. Public methods may be called from any thread."""

    def __init__(self, options: Options, clock: LifeClock) -> None:
        self.lock = RLock()
        self.options = options
        self.clock = clock
        self.clear()

    def clear(self) -> None:
        """Delete everything but the options."""
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
            self.paid_requests = 0

    def charge(self, account: str, cost: int) -> None:
        balance = self.balances.setdefault(account, units(self.options.balance))
        if balance < cost:
            raise Refusal(_NO_MONEY)
        self.balances[account] = balance - cost
        self.spent += cost
        self.paid_requests += cost > 0

    def top_up(self, euros: str, account: str | None = None) -> None:
        """Add euros to one account, or to all, including accounts that are seen for the first time later.

        Raises ValueError unless the amount is above zero.
        """
        more = units(euros)
        if more <= 0:
            raise ValueError("amount must be above zero")
        with self.lock:
            first = units(self.options.balance)
            if account is not None:
                self.balances[account] = self.balances.get(account, first) + more
                return
            self.balances = {name: left + more for name, left in self.balances.items()}
            self.options = replace(self.options, balance=money(first + more).partition(" ")[0])

    def add(
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

    def start(self, mailing: Mailing) -> None:
        """Begin the deliveries of a mailing that was paid for, now or at its scheduled time."""
        now_ms = self.clock.now_ms()
        mailing.paid_ms = now_ms
        mailing.start_ms = max(now_ms, mailing.schedule_ms or 0)
        start_life = self.clock.life_at(mailing.start_ms)
        for index, phone in enumerate(mailing.phones):
            fate = self.fate(mailing, index)
            mailing.pending_replies += [
                (start_life + after_s * pace_of(phone) * 1000, phone, text) for after_s, text in fate.replies
            ]

    def fate(self, mailing: Mailing, index: int) -> Fate:
        phone = mailing.phones[index]
        return BLOCKED if phone in self.blocked else fate_of(phone)

    def mailing(self, account: str, message_id: int) -> Mailing:
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
        at: Step = reached(self.fate(mailing, index), pace_of(phone), elapsed_s)
        return at.status, at.error_code, round(self.clock.wall_at(start_life + at.after_s * 1000))

    def text_time(self, ms: float, layout: str) -> str:
        return datetime.fromtimestamp(ms / 1000, tz=self.options.zone).strftime(layout)

    # What recipients do, ordered by the control endpoints.

    def reply(self, mailing: Mailing, phone: int, text: str, at_ms: int | None = None) -> int:
        """The recipient replies. Returns the reply's id."""
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
        raise Refusal("No message was sent to this phone", 404)

    def decide(self, phone: int, status: str, error_code: int = 0, message_id: int | None = None) -> None:
        """Set the status of the newest message to a phone, from now on."""
        with self.lock:
            mailing, index = self.latest_to(phone, message_id)
            mailing.overrides[index] = Override(status, self.clock.now_ms(), error_code)

    def read(self, phone: int, sender_id: int) -> int:
        """The recipient opens a conversation. Returns how many messages became READ."""
        with self.lock:
            now_ms, found = self.clock.now_ms(), 0
            for mailing in self.mailings.values():
                if mailing.sender_id == sender_id and mailing.start_ms is not None and mailing.start_ms <= now_ms:
                    found += sum(self._read(mailing, index) for index in mailing.places(phone))
            return found

    def _read(self, mailing: Mailing, index: int) -> bool:
        """Whether it was unread and could be read."""
        if self.step(mailing, index)[0] in {"READ", *_LOST}:
            return False
        mailing.overrides[index] = Override("READ", self.clock.now_ms())
        return True

    def press(self, phone: int, message_id: int) -> None:
        """The recipient presses the button, and so has read the message. Raises Refusal (404, 409)."""
        with self.lock:
            mailing, index = self.latest_to(phone, message_id)
            if not mailing.content.caption:
                raise Refusal("This message has no button", 409)
            if self.step(mailing, index)[0] in _LOST:
                raise Refusal("This message did not reach the phone", 409)
            self._read(mailing, index)
            mailing.pressed_ms[index] = self.clock.now_ms()

    def block(self, phone: int) -> None:
        """The recipient blocks the sender: later messages become BLOCKED, messages that arrived keep their status."""
        with self.lock:
            self._keep_statuses(phone)
            self.blocked.add(phone)

    def unblock(self, phone: int) -> None:
        """Messages reach this phone again; those that were BLOCKED stay so."""
        with self.lock:
            self._keep_statuses(phone)
            self.blocked.discard(phone)

    def _keep_statuses(self, phone: int) -> None:
        """Fix the status of every message that has arrived at a phone, or failed to."""
        for mailing in self.mailings.values():
            for index in mailing.places(phone):
                status, error_code, at_ms = self.step(mailing, index)
                if mailing.start_ms is not None and status not in _UNDER_WAY:
                    mailing.overrides[index] = Override(status, at_ms, error_code)

    def change(self, options: Options) -> None:
        """Use other options from now on."""
        with self.lock:
            if options.speed != self.options.speed:
                self.clock.set_speed(options.speed)
            self.options = replace(options)

    def make_list(self, list_id: int, phones: Sequence[str]) -> None:
        """Create or replace a list of subscribers at the gateway."""
        try:
            numbers = array("Q", map(phone_number, phones))
        except Invalid as invalid:
            raise Refusal(str(invalid), 400) from None
        with self.lock:
            self.lists[list_id] = numbers

    def receive(self, mailing: Mailing) -> None:
        """Store the replies to a mailing that are due by now."""
        life = self.clock.life_at(self.clock.now_ms())
        due = [reply for reply in mailing.pending_replies if reply[0] <= life]
        mailing.pending_replies = [reply for reply in mailing.pending_replies if reply[0] > life]
        for at_life, phone, text in sorted(due):
            self.reply(mailing, phone, text, round(self.clock.wall_at(at_life)))
