"""What the phones show: a page of conversations, and the newest messages and replies of one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from campaigns.sandbox.models import Incoming, Mailing
from campaigns.sandbox.sent_messages import SentMessages

_NAMES: Final = 30
_MAILINGS_READ: Final = 1000


class Conversations:
    """A conversation is one phone and one sender. Every method may be called from any thread."""

    def __init__(self, sent: SentMessages) -> None:
        self._sent = sent
        self._state = sent.state

    def page(self, phone: str, mailing: str, offset: int, limit: int) -> dict[str, Any]:
        """At most `limit` conversations, the newest message first, and whether there are more.

        `phone` is a part of its digits, `mailing` a part of the mailing's name or kind, its
        id, or the uuid of its request; empty is all.
        """
        found = list(islice(self._found(phone, mailing), offset, offset + limit + 1))
        replies: dict[int, dict[int, Incoming]] = {}
        with self._state.lock:
            for shown, _ in found[:limit]:
                if shown.message_id not in replies:
                    replies[shown.message_id] = {reply.phone: reply for reply in self._replies(shown)}
            rows = [self._conversation(shown, index, replies) for shown, index in found[:limit]]
        return {"conversations": rows, "more": len(found) > limit}

    def thread(self, phone: int, sender_id: int, limit: int) -> dict[str, Any]:
        """The newest `limit` messages of a conversation and the replies to them, oldest first."""
        found = list(islice(self._of(phone, sender_id), limit + 1))
        items: list[dict[str, Any]] = []
        with self._state.lock:
            for mailing, index in reversed(found[:limit]):
                items.append(self._message(mailing, index))
            for mailing in {shown.message_id: shown for shown, _ in found[:limit]}.values():
                items += [_reply(reply) for reply in self._replies(mailing) if reply.phone == phone]
        items.sort(key=lambda item: item["at_ms"])
        return {
            "phone": str(phone),
            "sender_id": sender_id,
            "blocked": phone in self._state.blocked,
            "items": items,
            "more": len(found) > limit,
        }

    def names(self) -> list[str]:
        """The names of the newest mailings, each once."""
        newest = islice((mailing.name or mailing.kind for mailing in self._newest()), _MAILINGS_READ)
        return list(islice(dict.fromkeys(newest), _NAMES))

    def _newest(self) -> Iterator[Mailing]:
        with self._state.lock:
            mailings = list(reversed(self._state.mailings.values()))
        return (mailing for mailing in mailings if mailing.paid_ms is not None)

    def _found(self, phone: str, name: str) -> Iterator[tuple[Mailing, int]]:
        """The newest message of every conversation that fits."""
        seen: set[tuple[int, int]] = set()
        wanted = name.strip().casefold()
        for mailing in self._newest():
            if wanted and not _is_called(mailing, wanted):
                continue
            for index, number in enumerate(mailing.phones):
                key = (number, mailing.sender_id)
                if key not in seen and (not phone or phone in str(number)):
                    seen.add(key)
                    yield mailing, index

    def _of(self, phone: int, sender_id: int) -> Iterator[tuple[Mailing, int]]:
        for mailing in self._newest():
            if mailing.sender_id == sender_id and phone in mailing.phones:
                for index in mailing.places(phone):
                    yield mailing, index

    def _replies(self, mailing: Mailing) -> list[Incoming]:
        """Oldest first. Replies that are due are received first."""
        self._state.receive(mailing)
        return [self._state.incoming[number] for number in mailing.incoming_ids]

    def _conversation(self, mailing: Mailing, index: int, replies: dict[int, dict[int, Incoming]]) -> dict[str, Any]:
        phone = mailing.phones[index]
        reply = replies[mailing.message_id].get(phone)
        return {
            **self._message(mailing, index),
            "blocked": phone in self._state.blocked,
            "reply": reply.text if reply else None,
        }

    def _message(self, mailing: Mailing, index: int) -> dict[str, Any]:
        upload = mailing.content.upload
        return {
            "is": "message",
            **self._sent.row(mailing, index),
            "at_ms": mailing.start_ms,
            "scheduled": mailing.word(self._state.clock.now_ms()) != "SENT",
            "image_name": upload.name if upload else None,
            "pressed_at_ms": mailing.pressed_ms.get(index),
        }


def _is_called(mailing: Mailing, wanted: str) -> bool:
    return wanted in (mailing.name or mailing.kind).casefold() or wanted in {str(mailing.message_id), mailing.uuid}


def _reply(reply: Incoming) -> dict[str, Any]:
    return {
        "is": "reply",
        "id": reply.id,
        "message_id": reply.message_id,
        "text": reply.text,
        "at_ms": reply.received_ms,
        "fetched": reply.marked,
    }
