"""The gateway's eleven methods."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from functools import partial
from typing import Any, Generic, TypeVar, cast

from campaigns.answers.rows import HOME, BulkStatus, DeliveryRows
from campaigns.answers.values import DeliveryRow, IncomingMessage, ListCreated, MailingData, Rows
from campaigns.errors import GatewayError
from campaigns.gateway import calls
from campaigns.gateway.calls import Call
from campaigns.gateway.meaning import Answer, check_status, clock_s, interpret
from campaigns.gateway.noting import Notes, correct, noting
from campaigns.gateway.retry import paid_policy, read_policy
from campaigns.gateway.transport import Transport
from campaigns.jobs.values import ImageFile
from campaigns.settings import Secret

T = TypeVar("T")
#: Gives a permit for one request of a method, as a context, and the notes of that request.
Permit = Callable[[str], AbstractContextManager[Notes]]


def _no_permit(_method: str) -> AbstractContextManager[Notes]:
    return nullcontext([])


def _always() -> bool:
    return True


def _passed(answer: Answer) -> Answer:
    check_status(answer)
    return answer


def _unseen(_error: GatewayError) -> None:
    pass


class Polled(Generic[T]):
    """An answer that is parsed only when a caller asks for its data, which it does if the digest has changed."""

    def __init__(
        self,
        answer: Answer,
        seen: Callable[[], AbstractContextManager[None]] = nullcontext,
        notes: Notes | None = None,
        region: str = HOME,
    ) -> None:
        self._answer = answer
        self._seen = seen
        self._notes: Notes = [] if notes is None else notes
        self._region = region
        self.digest = answer.digest

    @property
    def data(self) -> T:
        """The checked value. Raises GatewayError."""

        def act() -> Any:
            with self._seen():
                try:
                    return interpret(self._answer, self._region)
                except GatewayError as error:
                    correct(self._notes, error)
                    raise

        return cast(T, _alone(act))


class Gateway:
    """One account at the gateway. Every method may raise a GatewayError, whose class says what follows from it.

    `permit` is a context around every attempt of a request that costs nothing, and gives the notes for that attempt.
    The caller of a paid method (`send_bulk_viber`, `send_quick_viber_message`, `confirm_viber_message`) holds a permit
    already, and may pass notes of its own. `failed` is called with the error of every failed request that costs
    nothing, before the caller gets it; after a paid request the caller records the result. `region` is the country of
    phones that the gateway writes without one.
    """

    def __init__(
        self,
        transport: Transport,
        token: Secret,
        *,
        read_attempts: int = 4,
        permit: Permit = _no_permit,
        failed: Callable[[GatewayError], None] = _unseen,
        sleep: Callable[[float], None] = time.sleep,
        region: str = HOME,
    ) -> None:
        self._transport = transport
        self._token = token
        self._permit = permit
        self._failed = failed
        # Their state during a call belongs to its thread.
        self._paying = paid_policy(sleep)
        self._reading = read_policy(read_attempts, sleep)
        self._region = region

    def __repr__(self) -> str:
        return "Gateway(token=***)"

    def under(self, permit: Permit) -> Gateway:
        """The same gateway, with another context around requests that cost nothing."""
        other = copy(self)
        other._permit = permit  # noqa: SLF001 (its own class)
        return other

    def send_bulk_viber(
        self,
        messages: bytes,
        *,
        callback_url: str | None = None,
        may_write: Callable[[], bool] = _always,
        notes: Notes | None = None,
    ) -> str:
        """Send mailings, a JSON array. Returns the uuid by which they are polled; each may still be refused."""
        call = calls.send_bulk_viber(messages, callback_url)
        del messages  # a crash reporter would show the phones of a frame that fails
        return cast(str, self._pay(call, may_write, notes))

    def status_bulk_viber(self, uuid: str) -> Polled[BulkStatus]:
        """What became of the mailings of one sendBulkViber."""
        return self._poll(calls.status_bulk_viber(uuid))

    def send_quick_viber_message(
        self,
        fields: Mapping[str, str],
        *,
        image: ImageFile | None = None,
        may_write: Callable[[], bool] = _always,
        notes: Notes | None = None,
    ) -> int:
        """Send one message. Returns its id."""
        call = calls.send_quick_viber_message(fields, image)
        del fields  # as above
        return cast(int, self._pay(call, may_write, notes))

    def get_viber_delivery_data(self, message_id: int) -> Polled[DeliveryRow]:
        """What became of a message of sendQuickViberMessage."""
        return self._poll(calls.get_viber_delivery_data(message_id))

    def send_viber_message_list(self, fields: Mapping[str, str], *, image: ImageFile | None = None) -> ListCreated:
        """Create a mailing to a list. It costs nothing until it is confirmed, so it may be repeated."""
        call = calls.send_viber_message_list(fields, image)
        del fields  # as above
        return cast(ListCreated, self._read(call))

    def confirm_viber_message(
        self, message_id: int, *, may_write: Callable[[], bool] = _always, notes: Notes | None = None
    ) -> None:
        """Let a created mailing go out, and pay for it."""
        self._pay(calls.confirm_viber_message(message_id), may_write, notes)

    def get_viber_messages(self, *, offset: int = 0, rows: int = 100) -> Rows[MailingData]:
        """Mailings of the account, a portion of them; those that could not be read are counted."""
        return cast(Rows[MailingData], self._read(calls.get_viber_messages(offset, rows)))

    def clock_s(self) -> float | None:
        """Check by a free request that the account is accepted. Returns the gateway's clock, if the answer has it."""
        call = calls.get_viber_messages(0, 1)

        def understood(answer: Answer) -> float | None:
            interpret(answer, self._region)
            return clock_s(answer)

        with self._seen():
            return self._sent(call, understood)[0]

    def get_viber_message_data(self, message_id: int) -> MailingData:
        """One mailing: its state, content and cost."""
        return cast(MailingData, self._read(calls.get_viber_message_data(message_id)))

    def get_viber_delivery_list(self, message_id: int) -> Polled[DeliveryRows]:
        """Phones and statuses of a mailing."""
        return self._poll(calls.get_viber_delivery_list(message_id))

    def get_new_incoming_messages(self, message_id: int) -> Rows[IncomingMessage]:
        """Replies to a mailing that were not marked yet; those that could not be read are counted."""
        return cast(Rows[IncomingMessage], self._read(calls.get_new_incoming_messages(message_id)))

    def read_response_status(self, ids: Sequence[str]) -> int | None:
        """Mark replies as read. Returns how many the gateway says it marked, None if it gives no number."""
        return cast("int | None", self._read(calls.read_response_status(ids)))

    def _pay(self, call: Call, may_write: Callable[[], bool], notes: Notes | None) -> Any:
        made: Notes = [] if notes is None else notes

        def act() -> Any:
            return noting(
                made,
                call.method,
                lambda: self._transport.send(call, self._token, may_write=may_write),
                lambda answer: interpret(answer, self._region),
            )

        return _alone(lambda: self._paying(act))

    def _read(self, call: Call) -> Any:
        """An answer that is understood; one that is not is asked for again."""

        def act() -> Any:
            with self._seen():
                return self._sent(call, lambda answer: interpret(answer, self._region))[0]

        return _alone(lambda: self._reading(act))

    def _poll(self, call: Call) -> Polled[Any]:
        def act() -> Polled[Any]:
            with self._seen():
                answer, notes = self._sent(call, _passed)
            return Polled(answer, self._seen, notes, self._region)

        return _alone(lambda: self._reading(act))

    def _sent(self, call: Call, understand: Callable[[Answer], T]) -> tuple[T, Notes]:
        """Send the request under a permit. Returns what `understand` makes of the answer, and the permit's notes."""
        with self._permit(call.method) as notes:
            send = partial(self._transport.send, call, self._token)
            return noting(notes, call.method, send, understand), notes

    @contextmanager
    def _seen(self) -> Iterator[None]:
        try:
            yield
        except GatewayError as error:
            self._failed(error)
            raise


def _alone(act: Callable[[], T]) -> T:
    """What `act` returns. A failure comes without what led to it: locals of the frames below hold answers and texts."""
    try:
        return act()
    except GatewayError as error:
        failure = error
    failure.__cause__ = failure.__context__ = None
    raise failure.with_traceback(None)
