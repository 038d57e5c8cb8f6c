"""Every exception of the project, in one tree.

    CampaignsError
    ├── SettingsError            a setting is missing or malformed
    ├── JobError                 a job breaks a rule; nothing was stored
    │   └── AllInvalidError      all of its recipients are invalid, and the command sends no such job
    ├── KeyConflictError         the key belongs to a campaign with another job
    ├── UnknownCampaignError     no campaign has this id
    ├── StateError               the operation is not possible in this state
    ├── ApprovalError            the maker of a draft cannot approve it
    ├── ConfirmationError        an expensive resend needs a second person
    ├── PlanUnderWayError        another process is planning a job under this key
    ├── WaitTimeoutError         the campaign was not over in time
    ├── ErasureBlockedError      a person cannot be erased yet; nothing was erased
    ├── StoreError               Redis could not be reached or refused a write
    │   ├── LayoutError          the stored data has the layout of another version
    │   └── NotReplicatedError   the write succeeded, but a failover may undo it
    └── GatewayError             a request to the gateway did not succeed
        ├── PermitDeniedError    the account is paused or its limit is used up: no request was made
        ├── NotSentError         no byte left: certainly not sent
        ├── TooManyRequestsError 429: certainly not sent, the account must pause
        ├── AccountRefusedError  token, balance, rights: certainly not sent
        ├── ContentRefusedError  the gateway refused the content: certainly not sent
        └── OutcomeUnknownError  bytes left, and no clear answer came back

Facts are fields, so that callers need not parse messages. No message holds a token, a text or a phone, and no
exception is chained to one of `requests` or `redis`, whose messages may.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, cast

ErrorTree = dict[str, Any]
#: Digits that may be a phone, in any spelling. The gateway's ids are shorter.
_PHONE: Final = re.compile(r"\+?[0-9*](?:[ ()\u00a0.-]{0,2}[0-9*]){8,}")

#: The most mistakes that a JobError lists, since all that it lists are stored.
_REASONS_MOST: Final = 1000
_REASON_LENGTH: Final = 800
_NAME_LENGTH: Final = 100


class CampaignsError(Exception):
    """The root of the tree: `except CampaignsError` catches every exception that this package defines."""


class SettingsError(CampaignsError):
    """A setting is missing or malformed. `problems` maps the environment variable to the reason."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{variable}: {reason}" for variable, reason in problems.items()))


class JobError(CampaignsError):
    """A job breaks rules; nothing was stored.

    `errors` is the tree that marshmallow builds: field or index → subtree or list of reasons. `lines` is the same as
    flat text, one `messages[2].content.button_link: reason` each. Both have at most 1,000 reasons of at most 800
    characters, and digits in names of unknown fields are masked.
    """

    def __init__(self, errors: ErrorTree) -> None:
        self.errors = capped(errors)
        self.lines = flatten(self.errors)
        super().__init__("; ".join(self.lines))


class AllInvalidError(JobError):
    """All of the job's recipients, `total` of them, are invalid. Only the command refuses such a job."""

    def __init__(self, total: int) -> None:
        self.total = total
        super().__init__({"recipients": [f"no message can be sent: all {total:,} recipients are invalid"]})


class KeyConflictError(CampaignsError):
    """`key` belongs to the campaign `campaign_id`, which has a different job."""

    def __init__(self, key: str, campaign_id: str) -> None:
        self.key = key
        self.campaign_id = campaign_id
        super().__init__(f"key {key!r} already belongs to campaign {campaign_id}, which has a different job")


class UnknownCampaignError(CampaignsError):
    """No campaign has this id. Finished campaigns expire after `retention_s`."""

    def __init__(self, campaign_id: str) -> None:
        self.campaign_id = campaign_id
        super().__init__(f"no campaign {campaign_id!r}")


class StateError(CampaignsError):
    """The operation `what` is not possible in `state`."""

    def __init__(self, what: str, state: str) -> None:
        self.what = what
        self.state = state
        super().__init__(f"cannot {what}: the state is {state!r}")


class ApprovalError(CampaignsError):
    """A draft needs the approval of a different person than `by`, who made it."""

    def __init__(self, campaign_id: str, by: str) -> None:
        self.campaign_id = campaign_id
        self.by = by
        super().__init__(f"campaign {campaign_id} was made by {by}: another person has to approve it")


class ConfirmationError(CampaignsError):
    """What may cost `cost` more needs a second person besides `by` to confirm it: a resend of the held requests of
    `campaign_id`, or a higher budget for today (`campaign_id` is ''). Nothing was changed."""

    def __init__(self, campaign_id: str, by: str, cost: Decimal) -> None:
        self.campaign_id = campaign_id
        self.by = by
        self.cost = cost
        what = f"resending costs {cost:f}" if campaign_id else f"the budget would be {cost:f} higher"
        super().__init__(f"{what}: another person than {by} has to confirm it")


class PlanUnderWayError(CampaignsError):
    """Another process is planning the job of this key, or died while doing so. Nothing was stored; try again later."""

    def __init__(self, campaign_id: str) -> None:
        self.campaign_id = campaign_id
        super().__init__(f"campaign {campaign_id} is being planned")


class WaitTimeoutError(CampaignsError):
    """The campaign was not over within `timeout_s` seconds; `state` is its last known state."""

    def __init__(self, campaign_id: str, state: str, timeout_s: float) -> None:
        self.campaign_id = campaign_id
        self.state = state
        self.timeout_s = timeout_s
        super().__init__(f"campaign {campaign_id} is still {state!r} after {timeout_s:g} seconds")


class ErasureBlockedError(CampaignsError):
    """A person cannot be erased yet; nothing was erased. `batches` maps the ids of the batches in the way to states."""

    def __init__(self, batches: dict[str, str]) -> None:
        self.batches = batches
        listed = ", ".join(f"{batch_id} ({state})" for batch_id, state in batches.items())
        super().__init__(f"cannot erase yet, these batches are under way: {listed}")


class StoreError(CampaignsError):
    """Redis could not be reached, or refused a write (out of memory, read only)."""


class LayoutError(StoreError):
    """The data in Redis has the layout of another version of this project. Nothing was read, and retrying is no use."""


class NotReplicatedError(StoreError):
    """The write succeeded, but only `having` of `wanted` replicas have it, so a failover may undo it.

    The call may be repeated: it writes nothing again, and waits for the replicas once more.
    """

    def __init__(self, having: int, wanted: int) -> None:
        self.having = having
        self.wanted = wanted
        super().__init__(f"written, but not safe: {having} of {wanted} replicas have it, and a failover may undo it")


class GatewayError(CampaignsError):
    """A request to the gateway did not succeed.

    `method` is the gateway's method, and `may_have_been_sent` whether the request may have taken effect.
    `http_status` and `gateway_text` come from the answer, if there was one; `retry_after_s` is in seconds.
    """

    may_have_been_sent = False

    def __init__(
        self,
        method: str,
        reason: str,
        *,
        http_status: int | None = None,
        gateway_text: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        self.method = method
        self.reason = reason
        self.http_status = http_status
        self.gateway_text = gateway_text
        self.retry_after_s = retry_after_s
        # The gateway's text may repeat a phone of the request, and exception messages end in logs.
        said = f": {_PHONE.sub('***', gateway_text)}" if gateway_text else ""
        super().__init__(f"{method}: {reason}{said}")

    @property
    def facts(self) -> dict[str, str | int | None]:
        """The fields for a log line: never the gateway's text, which may repeat a text or a phone."""
        named = {"error": type(self).__name__, "method": self.method, "reason": self.reason}
        return {**named, "http_status": self.http_status}


class PermitDeniedError(GatewayError):
    """The shared limiter gave no permit; try again after `retry_after_s` seconds."""


class NotSentError(GatewayError):
    """No byte of the request left this machine."""


class TooManyRequestsError(GatewayError):
    """The gateway answered 429; `retry_after_s` is the pause in seconds that it asked for, if any."""


class AccountRefusedError(GatewayError):
    """The gateway refused the account, not the content: token, rights, balance, IP address."""


class ContentRefusedError(GatewayError):
    """The gateway refused the content of the request."""


class OutcomeUnknownError(GatewayError):
    """Bytes left, and no clear answer came back: it is unknown whether the gateway acted on the request."""

    may_have_been_sent = True


def capped(tree: ErrorTree) -> ErrorTree:
    """The tree with its first 1,000 reasons, each cut to 800 characters, and the number of the rest."""
    kept, left = _capped(tree, _REASONS_MOST)
    if left >= 0:
        return cast(ErrorTree, kept)
    further = [f"and {-left:,} more mistakes"]
    return {**kept, "_schema": [*_listed(kept.get("_schema")), *further]}


def _capped(tree: Any, room: int) -> tuple[Any, int]:
    """The tree cut to `room` reasons, and the room left; negative by the number of reasons that were cut."""
    if not isinstance(tree, dict):
        reasons = [str(reason)[:_REASON_LENGTH] for reason in _listed(tree)]
        return reasons[: max(0, room)], room - len(reasons)
    kept: dict[Any, Any] = {}
    for name, subtree in tree.items():
        part, room = _capped(subtree, room)
        if part:
            kept[name if isinstance(name, int) else _named(str(name))] = part
    return kept, room


def _named(name: str) -> str:
    """A field's name, fit for a message: a caller may have put a phone or a text in its place."""
    encodable = name.encode("utf-8", "replace").decode()
    short = encodable if len(encodable) <= _NAME_LENGTH else encodable[:_NAME_LENGTH] + "..."
    return re.sub(r"[0-9]{5,}", "***", short)


def _listed(reasons: Any) -> list[Any]:
    return [] if reasons is None else reasons if isinstance(reasons, list) else [reasons]


def flatten(tree: Any, place: str = "") -> list[str]:
    """The error tree as lines: `messages[2].content.button_link: longer than 150 characters`."""
    if isinstance(tree, dict):
        lines: list[str] = []
        for name, subtree in tree.items():
            lines.extend(flatten(subtree, _join(place, name)))
        return lines
    reasons = tree if isinstance(tree, list) else [tree]
    return [f"{place}: {reason}" if place else str(reason) for reason in reasons]


def _join(place: str, name: str | int) -> str:
    if name == "_schema":
        return place
    # JSON turned the numbers of a stored tree into text.
    if isinstance(name, int) or (place and name.isdecimal()):
        return f"{place}[{name}]"
    return f"{place}.{name}" if place else name
