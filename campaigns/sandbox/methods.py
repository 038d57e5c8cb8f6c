"""The eleven methods of the gateway. Each takes the account (a digest of its token) and the parameters of a request."""

from __future__ import annotations

import uuid as uuids
from array import array
from typing import Any, Final

from campaigns.sandbox.dialects import kept_name
from campaigns.sandbox.models import BULK, LIST, QUICK, Forwarding, Mailing, Refusal, Request, money
from campaigns.sandbox.parameters import Parameters
from campaigns.sandbox.state import SandboxState
from campaigns.sandbox.validation import BulkMailing, Invalid, phone_number, read_bulk, read_form, read_time

#: The gateway's methods, each with the function of `Methods` that answers it.
METHODS: Final[dict[str, str]] = {
    "sendBulkViber": "send_bulk_viber",
    "statusBulkViber": "status_bulk_viber",
    "sendQuickViberMessage": "send_quick_viber_message",
    "getViberDeliveryData": "get_viber_delivery_data",
    "sendViberMessageList": "send_viber_message_list",
    "confirmViberMessage": "confirm_viber_message",
    "getViberMessages": "get_viber_messages",
    "getViberMessageData": "get_viber_message_data",
    "getViberDeliveryList": "get_viber_delivery_list",
    "getNewIncomingMessages": "get_new_incoming_messages",
    "readResponseStatus": "read_response_status",
}
#: Methods under /api/v1/; the others are under /api/v2/.
V1: Final = ("sendBulkViber", "statusBulkViber")
#: Methods of /api/v2/ that answer under /api/v1/ too, where the id in the answer is called `viber_id`.
BOTH_VERSIONS: Final = ("sendQuickViberMessage", "sendViberMessageList")


class Methods:
    """The gateway's methods on a state. Each raises Refusal for a request that it answers with an error."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    def send_bulk_viber(self, account: str, parameters: Parameters) -> dict[str, Any]:
        """Answers with a uuid. Mistakes in a mailing show later, in statusBulkViber, under the mailing's name."""
        messages = parameters.json("messages")
        if not isinstance(messages, list) or not messages:
            raise Refusal("The messages field is required", 400)
        read: list[BulkMailing | str] = []
        for number, message in enumerate(messages, 1):
            named = message.get("name") if isinstance(message, dict) else None
            name = kept_name(str(named or f"mailing {number}"), self.state.options.traits)
            try:
                read.append(read_bulk(message, name, self.state.options.zone))
            except Invalid as invalid:
                read.append(f"{name}: {invalid}")
        with self.state.lock:
            good = [found for found in read if isinstance(found, BulkMailing)]
            self.state.charge(account, self.state.options.unit_cost * sum(len(m.phones) for m in good))
            callback_url = parameters.text("callback_url", "")
            request = Request(str(uuids.uuid4()), account, self.state.clock.now_ms(), callback_url)
            for found in read:
                if isinstance(found, str):
                    request.results.append(found)
                    continue
                mailing = self.state.add(
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
                self.state.start(mailing)
                request.results.append(mailing.message_id)
            self.state.requests[request.uuid] = request
        return {"uuid": request.uuid, "success": "OK"}

    def status_bulk_viber(self, account: str, parameters: Parameters) -> list[dict[str, Any]]:
        with self.state.lock:
            request = self.state.requests.get(parameters.text("uuid"))
            if request is None or request.account != account:
                raise Refusal("Uuid not found", 404)
            late_ms = self.state.options.validation_delay_s * 1000
            if self.state.clock.now_ms() < request.accepted_ms + late_ms:
                return []
            return [
                {"errors": [result]} if isinstance(result, str) else self._bulk_element(self.state.mailings[result])
                for result in request.results
            ]

    def _bulk_element(self, mailing: Mailing) -> dict[str, Any]:
        rows = []
        for index, phone in enumerate(mailing.phones):
            status, _, at_ms = self.state.step(mailing, index)
            rows.append(
                {
                    "delivery_id": mailing.first_delivery_id + index,
                    "phone": str(phone),
                    "status": status,
                    "status_time": self.state.text_time(at_ms, "%Y-%m-%d %H:%M:%S.%f"),
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
        except Invalid as invalid:
            raise Refusal(str(invalid)) from None
        forwarding = None
        if parameters.integer("forwarding_message", 0) == 1:
            minutes = parameters.integer("forwarding_time", 60)
            if not 5 <= minutes <= 60:
                raise Refusal("The forwarding_time must be between 5 and 60")
            alphaname = parameters.integer("alphaname_id", 0)
            forwarding = Forwarding(minutes, alphaname or None)
        with self.state.lock:
            self.state.charge(account, self.state.options.unit_cost)
            mailing = self.state.add(QUICK, account, "", sender_id, content, array("Q", [phone]), forwarding=forwarding)
            self.state.start(mailing)
        return _ok({"message_id": mailing.message_id})

    def get_viber_delivery_data(self, account: str, parameters: Parameters) -> dict[str, Any]:
        with self.state.lock:
            mailing = self.state.mailing(account, parameters.integer("message_id"))
            status, error_code, _ = self.state.step(mailing, 0)
            return _ok({"phone": str(mailing.phones[0]), "status": status, "error_code": error_code})

    def send_viber_message_list(self, account: str, parameters: Parameters) -> dict[str, Any]:
        """Creates the mailing, free of charge."""
        sender_id, list_id = parameters.integer("vibername_id"), parameters.integer("list_id")
        content = read_form(parameters)
        schedule = parameters.text("d_schedule", "")
        try:
            schedule_ms = read_time(schedule, "%Y-%m-%d %H:%M", self.state.options.zone) if schedule else None
        except Invalid as invalid:
            raise Refusal(str(invalid)) from None
        with self.state.lock:
            phones = self.state.lists.get(list_id)
            if phones is None:
                raise Refusal("List not found")
            name = kept_name(parameters.text("name", f"list {list_id}"), self.state.options.traits)
            mailing = self.state.add(
                LIST, account, name, sender_id, content, array("Q", phones), schedule_ms=schedule_ms
            )
        return _ok({"message_id": mailing.message_id, "count_subscribers": len(mailing.phones)})

    def confirm_viber_message(self, account: str, parameters: Parameters) -> dict[str, Any]:
        """Charges the account and starts the mailing. A second call is refused."""
        with self.state.lock:
            mailing = self.state.mailing(account, parameters.integer("message_id"))
            if mailing.kind != LIST:
                raise Refusal("Message not found")
            if mailing.paid_ms is not None:
                raise Refusal("Message is already confirmed")
            self.state.charge(account, mailing.cost)
            self.state.start(mailing)
        return {"status": "OK"}

    def get_viber_messages(self, account: str, parameters: Parameters) -> dict[str, Any]:
        """Mailings, newest first."""
        offset = parameters.integer("limit_offset", 0, least=0)
        options = self.state.options
        rows = options.listed_rows(parameters.integer("limit_rows", 100, least=0))
        with self.state.lock:
            latest_ms, kinds = self.state.clock.now_ms() - options.lag_s * 1000, options.listed_kinds
            listed = [
                mailing
                for mailing in reversed(self.state.mailings.values())
                if mailing.account == account and mailing.kind in kinds and mailing.created_ms <= latest_ms
            ]
            return _ok([self._data(mailing) for mailing in listed[offset : offset + rows]])

    def get_viber_message_data(self, account: str, parameters: Parameters) -> dict[str, Any]:
        with self.state.lock:
            return _ok(self._data(self.state.mailing(account, parameters.integer("message_id"))))

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
            "status": mailing.word(self.state.clock.now_ms()),
            "d_create": self.state.text_time(mailing.created_ms, layout),
            "d_schedule": self.state.text_time(mailing.schedule_ms or mailing.created_ms, layout),
            "cost": money(mailing.cost),
        }

    def get_viber_delivery_list(self, account: str, parameters: Parameters) -> dict[str, Any]:
        with self.state.lock:
            mailing = self.state.mailing(account, parameters.integer("message_id"))
            rows = []
            for index, phone in enumerate(mailing.phones):
                status, error_code, _ = self.state.step(mailing, index)
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
        """Replies that were not marked by readResponseStatus."""
        with self.state.lock:
            mailing = self.state.mailing(account, parameters.integer("message_id"))
            self.state.receive(mailing)
            messages = [self.state.incoming[number] for number in mailing.incoming_ids]
            return _ok(
                [
                    {
                        "id": str(message.id),
                        "phone": str(message.phone),
                        "message": message.text,
                        "d_receiver": self.state.text_time(message.received_ms, "%Y-%m-%d %H:%M:%S"),
                    }
                    for message in messages
                    if not message.marked
                ]
            )

    def read_response_status(self, account: str, parameters: Parameters) -> dict[str, Any]:
        marked = 0
        with self.state.lock:
            for part in parameters.texts("incoming_messages"):
                message = self.state.incoming.get(int(part)) if part.isdecimal() and len(part) < 19 else None
                if message is not None and self.state.mailings[message.message_id].account == account:
                    marked += not message.marked
                    message.marked = True
        return _ok(f"Number of flagged messages: {marked}")


def _ok(result: Any) -> dict[str, Any]:
    return {"status": "OK", "result": result}
