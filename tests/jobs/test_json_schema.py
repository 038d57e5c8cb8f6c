"""The JSON Schema of jobs says what the check of jobs does: as much as JSON Schema can tell, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import JobError
from campaigns.jobs.checking import load_job
from campaigns.jobs.json_schema import job_schema, jobs_schema
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.settings import Settings
from tests.support.jobs import bulk_job, list_job, personal_job, quick_job, sample_job, template_job

SETTINGS: Final = Settings(message_cost=Decimal("0.049"))
NOW: Final = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
ALL: Final = jsonschema.Draft202012Validator(jobs_schema(SETTINGS))
OF_KIND: Final = {kind: jsonschema.Draft202012Validator(job_schema(kind, SETTINGS)) for kind in KINDS}
PHONE, LINK, IMAGE = "375291111111", "https://example.com/a", {"filename": "a.gif", "base64": "R0lGODlh"}

COMMON: Final[dict[str, Any]] = {
    "account": "SHOP",
    "name": "Весна",
    "key": 17,
    "correlation_id": "order-17",
    "on_unknown": "Hold",
    "literal_text": 1,
    "max_recipients": "100",
    "rate": "10 000 / hour",
    "weight": 100,
    "max_cost": "12.50",
    "send_between": ["09:00", "24:00"],
    "send_on": ["mon", "FRI"],
    "send_zone": "Europe/Minsk",
}
CANARY: Final[dict[str, Any]] = {"canary": "500", "canary_wait_s": 60, "canary_max_failed": 0.25}
NOTHING: Final = dict.fromkeys(
    ["name", "key", "correlation_id", "on_unknown", "max_recipients", "rate", "max_cost", "send_between"]
)
GOOD: Final[list[dict[str, Any]]] = [
    sample_job(),
    bulk_job([PHONE, 80291111111, {"phone": PHONE}, "not a phone"], kind="bulk", callback_url=LINK, **COMMON),
    bulk_job([PHONE], callback_url=None, **NOTHING),
    bulk_job([PHONE], **CANARY),
    quick_job(PHONE, canary=1, canary_max_failed=1, follow="read"),
    personal_job([{"phone": 375291111111, "text": "x"}], literal_text=False, weight="7", max_cost=0.5),
    template_job([{"phone": PHONE, "values": {"name": "Анна", "n": 1.5, "x": None, "y": []}}], "Hello {name|}, {n}"),
    template_job([PHONE, 375291111111, {"phone": PHONE}, {"phone": PHONE, "values": None}], "x" * 1000),
    template_job([PHONE], "{" + "name" * 10 + "|" + "x" * 400 + "}" + "x" * 999),
    template_job([PHONE], "Hello {name}", f"{LINK}/{{Код клиента}}"),
    template_job([PHONE], "Hello {name}", "{link}"),
    template_job([PHONE], "Hello {name}", LINK, literal_text=True),
    quick_job(PHONE, **COMMON),
    {"kind": "quick", "vibername_id": "7", "message": "x", "phone": 375291111111, "type_message": "text"},
    quick_job(PHONE, type_message="IMAGE", image=IMAGE),
    quick_job(PHONE, type_message="Image", image_url=LINK),
    quick_job(PHONE, type_message="BUTTON", button="x", button_link=LINK, image=IMAGE),
    quick_job(PHONE, forwarding_message="1", forwarding_time=5, alphaname_id=3),
    quick_job(PHONE, forwarding_message=0),
    list_job(**COMMON),
    list_job(d_schedule="2040-05-01 10:00", type_message="IMAGE", image_url=LINK, **NOTHING),
    list_job(d_schedule=" 2040-05-01T10:00:00.5+03:00 "),
]


def refusals(job: dict[str, Any]) -> list[str]:
    """What the check of jobs says against it."""
    try:
        load_job(job, settings=SETTINGS, now=NOW)
    except JobError as error:
        return error.lines
    return []


def is_valid(job: dict[str, Any]) -> bool:
    """By the schema of all jobs; that of its kind alone says the same."""
    valid = ALL.is_valid(job)
    kind = job.get("kind", "bulk")
    if isinstance(kind, str) and kind in OF_KIND:
        assert OF_KIND[kind].is_valid(job) == valid
    return valid


@pytest.mark.parametrize("schema", [ALL.schema, *(one.schema for one in OF_KIND.values())])
def test_is_a_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(schema)) == schema


def test_every_object_and_field_is_described() -> None:
    """And no object takes fields that it does not name."""
    for schema in OF_KIND.values():
        objects = list(described_objects(schema.schema))
        assert objects
        for one in objects:
            assert one["additionalProperties"] is False
            assert all(field["description"] for field in one["properties"].values())


def described_objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from described_objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from described_objects(part)


@pytest.mark.parametrize("job", GOOD)
def test_good(job: dict[str, Any]) -> None:
    assert refusals(job) == []
    assert is_valid(job)


def mailing(**more: Any) -> dict[str, Any]:
    job = bulk_job([PHONE])
    job["messages"][0] |= more
    return job


def content(kind: str, message_type: str = "bulk", row: Any = PHONE, **fields: Any) -> dict[str, Any]:
    return mailing(content={"type": kind, **fields}, message_type=message_type, delivery_list=[row])


BAD: Final[list[dict[str, Any]]] = [
    {},
    {"messages": []},
    {"messages": {}},
    {"messages": [1]},
    {"messages": None},
    bulk_job([PHONE], kind="fax"),
    bulk_job([PHONE], kind="BULK"),
    bulk_job([PHONE], kind=None),
    bulk_job([PHONE], mesage="x"),
    bulk_job([PHONE], token="x"),
    bulk_job([PHONE], account="a b"),
    bulk_job([PHONE], account=None),
    bulk_job([PHONE], name=""),
    bulk_job([PHONE], name="x" * 256),
    bulk_job([PHONE], key=""),
    bulk_job([PHONE], key=True),
    bulk_job([PHONE], key="x" * 256),
    bulk_job([PHONE], correlation_id=5),
    bulk_job([PHONE], correlation_id="x" * 129),
    bulk_job([PHONE], on_unknown="guess"),
    bulk_job([PHONE], literal_text="yes"),
    bulk_job([PHONE], literal_text=None),
    bulk_job([PHONE], max_recipients=0),
    bulk_job([PHONE], max_recipients=1.5),
    bulk_job([PHONE], max_recipients=True),
    bulk_job([PHONE], rate="fast"),
    bulk_job([PHONE], rate="10/week"),
    bulk_job([PHONE], weight=101),
    bulk_job([PHONE], send_between=["9:00", "20:00"]),
    bulk_job([PHONE], send_between=["09:00"]),
    bulk_job([PHONE], send_between=["09:00", "10:00", "11:00"]),
    bulk_job([PHONE], send_between="09:00"),
    bulk_job([PHONE], send_on=[]),
    bulk_job([PHONE], send_on=["monday"]),
    bulk_job([PHONE], send_on="mon", send_between=["09:00", "20:00"]),
    bulk_job([PHONE], send_on=["mon"], send_zone=3),
    bulk_job([PHONE], transactional="yes"),
    bulk_job([PHONE], canary=0),
    bulk_job([PHONE], canary_wait_s=60),
    bulk_job([PHONE], canary=5, canary_max_failed=1.5),
    bulk_job([PHONE], canary=5, follow="NONE"),
    list_job(canary=5),
    bulk_job([PHONE], transactional=True, send_between=["09:00", "20:00"]),
    quick_job(PHONE, transactional="1", send_on=["mon"]),
    bulk_job([PHONE], max_cost="cheap"),
    bulk_job([PHONE], max_cost=0),
    bulk_job([PHONE], max_cost=True),
    bulk_job([PHONE], callback_url="ftp://example.com"),
    bulk_job([PHONE], callback_url="https://user:pass@example.com"),
    bulk_job([]),
    bulk_job([{}]),
    bulk_job([None]),
    bulk_job([True]),
    bulk_job([{"phone": None}]),
    bulk_job([{"phone": PHONE, "text": "x"}]),
    mailing(delivery_list=None),
    mailing(delivery_list=PHONE),
    mailing(delivery_list={"phone": PHONE}),
    mailing(alphaname_id=None),
    mailing(alphaname_id="x"),
    mailing(alphaname_id=-1),
    mailing(name=None),
    mailing(message_type="both"),
    mailing(schedule_time="tomorrow"),
    mailing(schedule_time=None),
    mailing(schedule_time=1900000000),
    mailing(content=None),
    mailing(content=[]),
    mailing(schedule="x"),
    content("text"),
    content("text", text=None),
    content("text", text="x" * 1001),
    content("text", text=" "),
    content("text", text=5),
    content("text", text="x", caption="x"),
    content("text", text="x", caption=None),
    content("TEXT", "PERSONAL", {"phone": PHONE, "text": "x"}, text="x"),
    template_job([{"phone": PHONE, "values": "Anna"}], "{name}"),
    template_job([{"phone": PHONE, "name": "Anna"}], "{name}"),
    template_job([{"values": {"name": "Anna"}}], "{name}"),
    template_job([PHONE], ""),
    template_job([PHONE], "{name}", "nowhere"),
    template_job([PHONE], "{name}", f"{LINK}{'x' * 150}"),
    bulk_job([{"phone": PHONE, "values": {}}]),
    personal_job([{"phone": PHONE, "text": "x", "values": {}}]),
    content("text", "personal", PHONE, text="{name}", caption="x"),
    content("button", "personal", PHONE, text="{name}", image_url=LINK, caption="x"),
    content("button", "bulk", text="x", image_url=LINK, caption="x", button_link="{link}"),
    content("text", "personal"),
    content("text", "personal", {"phone": PHONE}),
    content("text", "personal", {"phone": PHONE, "text": "x", "button_link": LINK}),
    content("text", "personal", {"phone": PHONE, "text": "x" * 1001}),
    content("image"),
    content("image", image_url=LINK, text="x"),
    content("Image", "Personal", {"phone": PHONE, "text": "x"}, image_url=LINK),
    content("button", text="x", image_url=LINK, caption="x"),
    content("button", text="x", image_url=LINK, caption="x", button_link=f"{LINK}{'x' * 150}"),
    content("button", "personal", {"phone": PHONE, "text": "x"}, image_url=LINK, caption="x"),
    content("button", "personal", {"phone": PHONE, "text": "x", "button_link": LINK}, image_url=LINK),
    content("video", text="x"),
    {"kind": "quick"},
    quick_job(),
    quick_job(PHONE, phone=PHONE),
    quick_job(PHONE, vibername_id=None),
    quick_job(PHONE, message=None),
    quick_job(PHONE, type_message=None),
    quick_job(PHONE, type_message="VIDEO"),
    quick_job(PHONE, image_url=LINK),
    quick_job(PHONE, button="x"),
    quick_job(PHONE, type_message="IMAGE"),
    quick_job(PHONE, type_message="IMAGE", image_url=LINK, image=IMAGE),
    quick_job(PHONE, type_message="IMAGE", image="a.gif"),
    quick_job(PHONE, type_message="IMAGE", image={}),
    quick_job(PHONE, type_message="IMAGE", image={"filename": "a.gif"}),
    quick_job(PHONE, type_message="IMAGE", image={**IMAGE, "filename": 5}),
    quick_job(PHONE, type_message="IMAGE", image={**IMAGE, "base64": "&"}),
    quick_job(PHONE, type_message="IMAGE", image={**IMAGE, "size": 5}),
    quick_job(PHONE, type_message="image", image_url=LINK, button_link=LINK),
    quick_job(PHONE, type_message="BUTTON"),
    quick_job(PHONE, type_message="BUTTON", button="x"),
    quick_job(PHONE, forwarding_time=5),
    quick_job(PHONE, forwarding_message=0, alphaname_id=5),
    quick_job(PHONE, forwarding_message=2),
    quick_job(PHONE, forwarding_message=1, forwarding_time=61),
    quick_job(PHONE, forwarding_message=True, message="x" * 671),
    quick_job(PHONE, list_id=5),
    quick_job(PHONE, schedule_time="2040-05-01 10:00"),
    quick_job({"phone": PHONE, "text": "x"}),  # type: ignore[arg-type]
    {"kind": "quick", "vibername_id": 7, "message": "x", "phone": None},
    {"kind": "quick", "vibername_id": 7, "message": "x", "phone": [PHONE]},
    list_job(list_id=None),
    list_job(delivery_list=[PHONE]),
    list_job(d_schedule="10:00"),
    list_job(phone=PHONE),
]


@pytest.mark.parametrize("job", BAD, ids=str)
def test_bad(job: dict[str, Any]) -> None:
    assert refusals(job) != []
    assert not is_valid(job)


#: What no JSON Schema can tell, or tells less exactly.
_BEYOND: Final = re.compile(
    r"is in the past$|is not a valid time$|is no point in time$|lies outside of the years|does not exist in|is the name of messages|"
    r"is not a mobile phone number$|has no token|must not be empty$|holds |names no host$|has a host or a port|"
    r"is too large a number$|must hold the image as base64$|must be a JPEG|must lie between|must be at least|"
    r"must be an alias|must be a whole number$|must be recipients and a time|is too large a number|must be more than 0$|"
    r"must open before it closes|must be a time zone such as"
)
_VALUES: Final = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 300),
        # JSON Schema takes 1.0 for an integer.
        st.floats(-2, 300).filter(lambda number: not number.is_integer()),
        st.text(max_size=4),
        st.sampled_from(
            [
                "bulk",
                "quick",
                "list",
                "TEXT",
                "image",
                "button",
                "personal",
                "x",
                "1",
                "0",
                "5/day",
                "resend",
                "444",
                "12.50",
                "R0lGODlh",
                "{name}",
                "K",
            ]
        ),
        st.sampled_from([PHONE, LINK, "2040-05-01 10:00", "2020-05-01T10:00:00", " "]),
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["phone", "text", "type", "base64", "x"]), inner, max_size=2)
    ),
    max_leaves=3,
)
_NAMES: Final = sorted(
    {name for kind in KINDS.values() for name in kind.shared().fields} | {*KINDS["bulk"].shared().elsewhere(), "phone"}
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document, and one of each object that there is not yet."""
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from places(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from places(part, (*path, number))


@st.composite
def changed_jobs(draw: st.DrawFn) -> dict[str, Any]:
    """A good job with one to three places put otherwise, left out or added."""
    job = deepcopy(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from([path for path in places(job) if path] or [("kind",)]))
        at: Any = job
        for step in way:
            at = at[step]
        if isinstance(at, dict):
            match draw(st.sampled_from(["put", "add", "drop"])):
                case "put":
                    at[last] = draw(_VALUES)
                case "add":
                    at[draw(st.sampled_from(_NAMES))] = draw(_VALUES)
                case _:
                    at.pop(last, None)
        else:
            at[last] = draw(_VALUES)
    return job


@settings(max_examples=600, deadline=None)
@given(changed_jobs())
def test_agree(job: dict[str, Any]) -> None:
    """What the check accepts is valid, and what is valid is refused only for what JSON Schema cannot tell."""
    lines = refusals(job)
    if not lines:
        assert is_valid(job)
    elif is_valid(job):
        assert any(_BEYOND.search(line) for line in lines), lines


def test_limits_are_those_of_the_settings() -> None:
    schema = job_schema("quick", Settings(text_length=70, image_bytes=9))["properties"]
    assert schema["message"]["maxLength"] == 70
    assert schema["image"]["properties"]["base64"]["maxLength"] == 12
