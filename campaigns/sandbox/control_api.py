"""`/_sandbox/...`: endpoints that control a sandbox and read what it really sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import orjson
from flask import Flask, Response, request

from campaigns.sandbox.documents import as_json, read_document, read_phone
from campaigns.sandbox.models import Refusal, account_of
from campaigns.sandbox.options import changed
from campaigns.sandbox.service import Service


def add_controls(app: Flask, service: Service) -> None:
    """Give the application its control endpoints."""
    controls = ControlApi(service)
    rules: dict[str, tuple[str, Callable[[], Response]]] = {
        "ledger": ("GET", controls.ledger),
        "summary": ("GET", controls.summary),
        "inbox": ("GET", controls.inbox),
        "settings": ("POST", controls.settings),
        "balance": ("POST", controls.balance),
        "lists": ("POST", controls.lists),
        "reply": ("POST", controls.reply),
        "read": ("POST", controls.read),
        "block": ("POST", controls.block),
        "reset": ("POST", controls.reset),
    }
    for path, (method, view) in rules.items():
        app.add_url_rule(f"/_sandbox/{path}", path, view, methods=[method])
    app.add_url_rule("/_sandbox/faults", "faults", controls.faults, methods=["GET", "POST", "DELETE"])
    app.add_url_rule("/_sandbox/faults/<int:number>", "fault", controls.fault, methods=["DELETE"])


class ControlApi:
    """One method per endpoint."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._state = service.state

    def ledger(self) -> Response:
        """Every message that was really sent, as JSON lines."""

        def lines() -> Iterator[bytes]:
            for row in self._service.sent.ledger():
                yield orjson.dumps(row) + b"\n"

        return Response(lines(), mimetype="application/jsonl")

    def summary(self) -> Response:
        return as_json({**self._service.sent.figures(), **self._service.meter.figures()})

    def inbox(self) -> Response:
        """The messages that were sent to a phone: `?phone=`."""
        phone = request.args.get("phone")
        return as_json([row for row in self._service.sent.ledger() if phone in {None, row["phone"]}])

    def faults(self) -> Response:
        if request.method == "POST":
            self._service.faults.order(read_document())
        elif request.method == "DELETE":
            self._service.faults.clear()
        return as_json(self._service.faults.progress())

    def fault(self, number: int) -> Response:
        """Withdraw one order."""
        self._service.faults.withdraw(number)
        return as_json(self._service.faults.progress())

    def settings(self) -> Response:
        try:
            self._state.change(changed(self._state.options, read_document()))
        except (ValueError, TypeError) as error:
            raise Refusal(str(error), 400) from None
        return as_json({"speed": self._state.options.speed})

    def balance(self) -> Response:
        """Add money: `amount` in euros, to the account of `token`, or to all accounts."""
        document = read_document()
        token = document.get("token")
        try:
            self._state.top_up(str(document.get("amount")), account_of(str(token)) if token else None)
        except ValueError as error:
            raise Refusal(str(error), 400) from None
        return as_json(self._service.sent.figures()["balances"])

    def lists(self) -> Response:
        document = read_document()
        list_id, phones = document.get("list_id"), document.get("phones")
        if type(list_id) is not int or not isinstance(phones, list):
            raise Refusal("list_id must be a number and phones a list", 400)
        self._state.make_list(list_id, phones)
        return as_json({"list_id": list_id})

    def reply(self) -> Response:
        """A recipient replies to the newest mailing, or to the one of `message_id`."""
        document = read_document()
        mailing, _ = self._state.latest_to(read_phone(document), document.get("message_id"))
        return as_json({"id": str(self._state.reply(mailing, read_phone(document), str(document.get("text", ""))))})

    def read(self) -> Response:
        document = read_document()
        self._state.decide(read_phone(document), "READ", 0, document.get("message_id"))
        return as_json({})

    def block(self) -> Response:
        self._state.block(read_phone(read_document()))
        return as_json({})

    def reset(self) -> Response:
        """Delete everything that was sent, all faults and all figures. Options stay."""
        self._state.clear()
        self._service.faults.clear()
        self._service.meter.clear()
        return as_json({})
