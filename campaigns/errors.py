"""Every exception of the project, in one tree.

    CampaignsError
    ├── SettingsError            a setting is missing or malformed
    ├── JobError                 a job breaks a rule; nothing was stored
    ├── KeyConflictError         the key belongs to a campaign with another job
    ├── UnknownCampaignError     no campaign has this id
    ├── StateError               what was asked is not possible in this state
    ├── ApprovalError            who made a draft cannot approve it
    ├── ConfirmationError        what is dear to send again takes two people
    ├── PlanUnderWayError        somebody else plans a job under this key at this moment
    ├── WaitTimeoutError         the campaign is not there yet
    ├── ErasureBlockedError      a person cannot be erased yet; nothing was erased
    ├── StoreError               Redis could not be reached or refused a write
    │   ├── LayoutError          another version of the project wrote what lies there
    │   └── NotReplicatedError   it was written, and a failover may undo it
    └── GatewayError             a request to the gateway did not succeed
        ├── PermitDeniedError    the account is paused or its limit is used up: nothing was tried
        ├── NotSentError         not one byte left: certainly not sent
        ├── TooManyRequestsError 429: certainly not sent, the account must pause
        ├── AccountRefusedError  token, money, rights: certainly not sent
        ├── ContentRefusedError  the gateway refused the content: certainly not sent
        └── OutcomeUnknownError  bytes left and no clear answer came back

Facts are fields, so that callers need not read messages. No exception carries a token, a text or a
phone in its message, and none is chained to an exception of `requests` or `redis`, whose messages do.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, cast

ErrorTree = dict[str, Any]
#: What may be a phone, in any spelling; ids at the gateway are shorter.
_PHONE: Final = re.compile(r"\+?[0-9*](?:[ ()\u00a0.-]{0,2}[0-9*]){8,}")

#: A job with a million mistakes is told the first of them: nobody reads more, and all must be stored.
_REASONS_MOST: Final = 1000
_REASON_LENGTH: Final = 800
_NAME_LENGTH: Final = 100


class CampaignsError(Exception):
    """The root: `except CampaignsError` catches whatever this package raises on purpose."""


class SettingsError(CampaignsError):
    """A setting is missing or malformed. `problems` maps the environment variable to the reason."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{variable}: {reason}" for variable, reason in problems.items()))


class JobError(CampaignsError):
    """A job breaks rules; nothing was stored.

    `errors` is the tree that marshmallow builds (field or index → subtree or list of reasons) and
    `lines` the same as flat text, one `messages[2].content.button_link: reason` each. Both are bounded in number and
    length, whatever the job held, and name no field by what may be a phone.
    """

    def __init__(self, errors: ErrorTree) -> None:
        self.errors = capped(errors)
        self.lines = flatten(self.errors)
        super().__init__("; ".join(self.lines))


class KeyConflictError(CampaignsError):
    """`key` was used before for `campaign_id`, with a different job."""

    def __init__(self, key: str, campaign_id: str) -> None:
        self.key = key
        self.campaign_id = campaign_id
        super().__init__(f"key {key!r} already belongs to campaign {campaign_id}, which has a different job")


class UnknownCampaignError(CampaignsError):
    """No campaign has this id (any more: finished ones are erased after their retention)."""

    def __init__(self, campaign_id: str) -> None:
        self.campaign_id = campaign_id
        super().__init__(f"no campaign {campaign_id!r}")


class StateError(CampaignsError):
    """What was asked is not possible in `state`."""

    def __init__(self, what: str, state: str) -> None:
        self.what = what
        self.state = state
        super().__init__(f"cannot {what}: the state is {state!r}")


class ApprovalError(CampaignsError):
    """A draft needs the approval of somebody else than `by`, who made it."""

    def __init__(self, campaign_id: str, by: str) -> None:
        self.campaign_id = campaign_id
        self.by = by
        super().__init__(f"campaign {campaign_id} was made by {by}: somebody else has to approve it")


class ConfirmationError(CampaignsError):
    """To send again for `cost` what may have arrived takes somebody else than `by` as well; nothing was planned."""

    def __init__(self, campaign_id: str, by: str, cost: Decimal) -> None:
        self.campaign_id = campaign_id
        self.by = by
        self.cost = cost
        super().__init__(f"resending costs {cost:f}: besides {by} somebody else has to confirm it")


class PlanUnderWayError(CampaignsError):
    """Somebody else plans the job of this key, or died while planning it. Nothing was stored; ask again later."""

    def __init__(self, campaign_id: str) -> None:
        self.campaign_id = campaign_id
        super().__init__(f"campaign {campaign_id} is being planned")


class WaitTimeoutError(CampaignsError):
    """The campaign did not get there within `timeout_s` seconds; `state` is where it was."""

    def __init__(self, campaign_id: str, state: str, timeout_s: float) -> None:
        self.campaign_id = campaign_id
        self.state = state
        self.timeout_s = timeout_s
        super().__init__(f"campaign {campaign_id} is still {state!r} after {timeout_s:g} seconds")


class ErasureBlockedError(CampaignsError):
    """A person cannot be erased yet, and nothing was erased. `batches` maps those under way to their states."""

    def __init__(self, batches: dict[str, str]) -> None:
        self.batches = batches
        listed = ", ".join(f"{batch_id} ({state})" for batch_id, state in batches.items())
        super().__init__(f"cannot erase yet, these batches are under way: {listed}")


class StoreError(CampaignsError):
    """Redis could not be reached, or refused a write (out of memory, read only)."""


class LayoutError(StoreError):
    """Another version of the project wrote what lies in the store. No repetition helps, and nothing was read."""


class NotReplicatedError(StoreError):
    """The server wrote it, but too few of its replicas have it: should one take its place now, it is lost.

    `having` of `wanted` replicas have it. What was asked may be asked again, which does nothing but wait once more.
    """

    def __init__(self, having: int, wanted: int) -> None:
        self.having = having
        self.wanted = wanted
        super().__init__(f"written, but not safe: {having} of {wanted} replicas have it, and a failover may undo it")


class GatewayError(CampaignsError):
    """A request to the gateway did not succeed.

    `method` is the gateway's method, `may_have_been_sent` whether its effect may have happened,
    `http_status` the status if one came, `gateway_text` the gateway's own words if it said any.
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
        # The words may repeat a phone of the request, and messages of exceptions end in logs.
        said = f": {_PHONE.sub('***', gateway_text)}" if gateway_text else ""
        super().__init__(f"{method}: {reason}{said}")

    @property
    def facts(self) -> dict[str, str | int | None]:
        """What a log line says of it: never the gateway's words, which may repeat a text or a phone."""
        named = {"error": type(self).__name__, "method": self.method, "reason": self.reason}
        return {**named, "http_status": self.http_status}


class PermitDeniedError(GatewayError):
    """The shared limiter gave no permit; ask again after `retry_after_s`."""


class NotSentError(GatewayError):
    """Not one byte of the request left this machine."""


class TooManyRequestsError(GatewayError):
    """The gateway asks for a pause; `retry_after_s` says how long if it said so."""


class AccountRefusedError(GatewayError):
    """The gateway refuses the account, not the content: token, rights, money, address."""


class ContentRefusedError(GatewayError):
    """The gateway looked at the request and said no to what is in it."""


class OutcomeUnknownError(GatewayError):
    """Bytes left and no clear answer came back: nobody knows whether the gateway acted."""

    may_have_been_sent = True


def capped(tree: ErrorTree) -> ErrorTree:
    """The first of the tree's reasons, each of a bounded length, and how many more there are."""
    kept, left = _capped(tree, _REASONS_MOST)
    if left >= 0:
        return cast(ErrorTree, kept)
    further = [f"and {-left:,} more mistakes"]
    return {**kept, "_schema": [*_listed(kept.get("_schema")), *further]}


def _capped(tree: Any, room: int) -> tuple[Any, int]:
    """The tree within `room` reasons, and the room that is left: less than nought by what was left out."""
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
    """A field's name in a sentence of ours: a stranger may have put a phone or a text in its place."""
    sound = name.encode("utf-8", "replace").decode()
    return re.sub(r"[0-9]{5,}", "***", sound if len(sound) <= _NAME_LENGTH else sound[:_NAME_LENGTH] + "...")


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
    # A tree that was stored has its numbers as text, as JSON keeps all names.
    if isinstance(name, int) or (place and name.isdecimal()):
        return f"{place}[{name}]"
    return f"{place}.{name}" if place else name
