"""Checking: every rule of the gateway's contract is checked before anything is stored, and all errors come at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, cast

from marshmallow import ValidationError

from campaigns.errors import JobError
from campaigns.jobs.schemas.canary_fields import canary_of
from campaigns.jobs.schemas.cap_fields import cap_of
from campaigns.jobs.schemas.kinds import KINDS, default_name, nameless
from campaigns.jobs.schemas.strict import CHECKING, Checking
from campaigns.jobs.schemas.window_fields import window_of
from campaigns.jobs.values import BulkJob, Job, ListJob, Mailing, QuickJob
from campaigns.settings import Settings
from campaigns.text.wellformed import oddities
from campaigns.times.gateway_times import to_d_schedule


def load_job(data: Mapping[str, Any], *, settings: Settings, now: datetime) -> Job:
    """Check a job and return it as a value. Consumes no lazy recipients. Raises JobError with every error by place."""
    if not isinstance(data, Mapping):
        raise JobError({"job": ["must be an object"]})
    kind = data.get("kind", "bulk")
    schema = KINDS.get(kind) if isinstance(kind, str) else None
    if schema is None:
        raise JobError({"kind": [f"must be one of {', '.join(KINDS)}"]})
    # Values that neither JSON nor Redis can carry are refused first, because the rules below would fail on them.
    if tree := oddities(data):
        raise JobError(tree)
    token = CHECKING.set(context_of(data, settings, now))
    try:
        values = cast(dict[str, Any], schema.shared().load(dict(data)))
    except ValidationError as error:
        tree = cast(Any, error.messages)
    else:
        return _BUILDERS[kind](values, settings)
    finally:
        CHECKING.reset(token)
    raise JobError(tree)


def context_of(data: Mapping[str, Any], settings: Settings, now: datetime) -> Checking:
    """The context in which the fields of a job are checked, its own switches included."""
    forwarded = data.get("kind") == "quick" and _is_set(data.get("forwarding_message"))
    return Checking(settings, now, _is_set(data.get("literal_text")), forwarded)


def _is_set(flag: object) -> bool:
    return flag in (True, "1")


#: Fields that have the same name and value in the job that is handed in and in the checked job.
_SAME: Final = (
    "account",
    "name",
    "on_unknown",
    "max_recipients",
    "max_cost",
    "literal_text",
    "weight",
    "topic",
    "correlation_id",
    "follow",
    "replies",
    "fallback_after_s",
    "start",
    "send_between",
    "send_on",
    "send_zone",
    "transactional",
    "cap_messages",
    "cap_days",
)


def _common(values: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    same = {name: values[name] for name in _SAME}
    return {
        **same,
        "spacing_ms": values["rate"],
        "window": window_of(values, settings),
        "canary": canary_of(values),
        "cap": cap_of(values, settings),
    }


def _bulk(values: dict[str, Any], settings: Settings) -> BulkJob:
    without_name = nameless(values["messages"])
    mailings = tuple(
        Mailing(
            name=mailing.get("name") or default_name(number, without_name, values["name"]),
            alphaname_id=str(mailing["alphaname_id"]),
            message_type=mailing["message_type"],
            content=mailing["content"],
            schedule_ms=mailing.get("schedule_time"),
            delivery_list=mailing["delivery_list"],
        )
        for number, mailing in enumerate(values["messages"])
    )
    return BulkJob(mailings=mailings, callback_url=values["callback_url"], **_common(values, settings))


def _form(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    fields_of_form = {"vibername_id": str(values["vibername_id"])}
    for name in ("type_message", "message", "image_url", "button", "button_link", *names):
        if values.get(name) is not None:
            value = values[name]
            fields_of_form[name] = str(int(value)) if isinstance(value, bool) else str(value)
    return fields_of_form


def _quick(values: dict[str, Any], settings: Settings) -> QuickJob:
    form = _form(values, ("forwarding_message", "forwarding_time", "alphaname_id"))
    rows = values["delivery_list"] if "delivery_list" in values else [values["phone"]]
    return QuickJob(fields=form, image=values.get("image"), delivery_list=rows, **_common(values, settings))


def _list(values: dict[str, Any], settings: Settings) -> ListJob:
    form = _form(values, ("list_id",))
    if values["name"]:
        form["name"] = values["name"]
    schedule_ms = values.get("d_schedule")
    if schedule_ms is not None:
        form["d_schedule"] = to_d_schedule(schedule_ms, settings.gateway_timezone)
    return ListJob(fields=form, image=values.get("image"), schedule_ms=schedule_ms, **_common(values, settings))


_BUILDERS: Final[dict[str, Callable[[dict[str, Any], Settings], Job]]] = {"bulk": _bulk, "quick": _quick, "list": _list}
