"""`/_sandbox/...`: what tests, tools and people use to control a sandbox and to look behind its scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, Response, request

from campaigns.sandbox.contents import Broken, phone_number
from campaigns.sandbox.options import changed
from campaigns.sandbox.records import Refusal, account_of

if TYPE_CHECKING:
    from campaigns.sandbox.app import Service


def add_controls(app: Flask, service: Service) -> None:
    """Give the application its control endpoints."""
    controls = Controls(service)
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


class Controls:
    """One method per endpoint."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._world = service.world

    def ledger(self) -> Response:
        """What was really sent to whom, as JSON lines."""

        def lines() -> Iterator[bytes]:
            for row in self._service.truth.ledger():
                yield orjson.dumps(row) + b"\n"

        return Response(lines(), mimetype="application/jsonl")

    def summary(self) -> Response:
        return as_json({**self._service.truth.figures(), **self._service.meter.figures()})

    def inbox(self) -> Response:
        """What a phone would show: `?phone=`."""
        phone = request.args.get("phone")
        return as_json([row for row in self._service.truth.ledger() if phone in {None, row["phone"]}])

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
            self._world.change(changed(self._world.options, read_document()))
        except (ValueError, TypeError) as error:
            raise Refusal(str(error), 400) from None
        return as_json({"speed": self._world.options.speed})

    def balance(self) -> Response:
        """More money: `amount` in euros, for the account of `token`, or for all."""
        document = read_document()
        token = document.get("token")
        try:
            self._world.top_up(str(document.get("amount")), account_of(str(token)) if token else None)
        except ValueError as error:
            raise Refusal(str(error), 400) from None
        return as_json(self._service.truth.figures()["balances"])

    def lists(self) -> Response:
        document = read_document()
        list_id, phones = document.get("list_id"), document.get("phones")
        if type(list_id) is not int or not isinstance(phones, list):
            raise Refusal("list_id must be a number and phones a list", 400)
        self._world.make_list(list_id, phones)
        return as_json({"list_id": list_id})

    def reply(self) -> Response:
        """A recipient answers the newest mailing, or the one of `message_id`."""
        document = read_document()
        mailing, _ = self._world.latest_to(read_phone(document), document.get("message_id"))
        return as_json({"id": str(self._world.reply(mailing, read_phone(document), str(document.get("text", ""))))})

    def read(self) -> Response:
        document = read_document()
        self._world.decide(read_phone(document), "READ", 0, document.get("message_id"))
        return as_json({})

    def block(self) -> Response:
        self._world.block(read_phone(read_document()))
        return as_json({})

    def reset(self) -> Response:
        """Forget everything."""
        self._world.clear()
        self._service.faults.clear()
        self._service.meter.clear()
        return as_json({})


def as_json(document: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(document), status, mimetype="application/json")


def read_document() -> dict[str, Any]:
    """The JSON object in the request's body. Raises Refusal (400)."""
    try:
        document = orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        raise Refusal("The body must be JSON", 400) from None
    if not isinstance(document, dict):
        raise Refusal("The body must be an object", 400)
    return document


def read_phone(document: dict[str, Any]) -> int:
    """The `phone` of a body. Raises Refusal (400)."""
    try:
        return phone_number(document.get("phone"))
    except Broken as broken:
        raise Refusal(str(broken), 400) from None
