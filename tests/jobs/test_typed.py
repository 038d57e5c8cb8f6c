"""Typed jobs: a type checker finds what would be refused, and they say what the schemas say."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from mypy import api

import campaigns
from campaigns import BulkJob, BulkMailing, Content, ImageUpload, ListJob, QuickJob, Recipient
from campaigns.jobs import typed as job_forms
from campaigns.jobs.schemas.delivery_lists import ROW_FIELDS, any_row_shape, row_shape
from campaigns.jobs.schemas.fields import Kind, Word
from campaigns.jobs.schemas.images import Image
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.jobs.schemas.mailings import ContentSchema, MailingSchema
from campaigns.jobs.schemas.strict import StrictSchema
from campaigns.recipients import RowForm
from campaigns.settings import Settings

FORMS: Final[list[tuple[Any, type[StrictSchema]]]] = [
    (BulkJob, KINDS["bulk"]),
    (QuickJob, KINDS["quick"]),
    (ListJob, KINDS["list"]),
    (BulkMailing, MailingSchema),
    (Content, ContentSchema),
]

WRONG: Final = """
from campaigns import BulkJob, BulkMailing, ListJob, QuickJob, enqueue

misspelt: QuickJob = {"kind": "quick", "vibername_id": 7, "phone": "375291111111", "mesage": "x"}  # wrong
wrong_type: QuickJob = {"kind": "quick", "vibername_id": 7, "phone": ["375291111111"], "message": "x"}  # wrong
missing: ListJob = {"kind": "list", "vibername_id": 7, "message": "x"}  # wrong
other_word: BulkMailing = {
    "alphaname_id": 444,
    "message_type": "all",  # wrong
    "content": {"type": "text", "text": "x"},
    "delivery_list": ["375291111111"],
}
nested: BulkJob = {
    "messages": [
        {
            "alphaname_id": 444,
            "message_type": "bulk",
            "content": {"type": "text", "txt": "x"},  # wrong
            "delivery_list": ["375291111111"],
        }
    ]
}
enqueue(QuickJob(kind="quick", vibername_id=7, phone="375291111111", message="x"), kee="order-17")  # wrong
"""

RIGHT: Final = """
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from campaigns import BulkJob, BulkMailing, ListJob, QuickJob, Recipient, enqueue, enqueue_many, preview


def everybody() -> Iterator[Recipient]:
    yield {"phone": "375291111111", "text": "x", "button_link": "https://example.com"}


personal: BulkMailing = {
    "alphaname_id": "444",
    "name": "first",
    "message_type": "personal",
    "schedule_time": datetime(2040, 5, 1, 10),
    "content": {"type": "button", "image_url": "https://example.com/a.jpg", "caption": "x"},
    "delivery_list": everybody(),
}
of_phones: BulkMailing = {
    "alphaname_id": 444,
    "message_type": "bulk",
    "content": {"type": "text", "text": "x"},
    "delivery_list": ["375291111111", 375292222222],
}
phones: list[str] = ["375291111111"]
bulk: BulkJob = {"name": None, "key": 17, "max_cost": Decimal("12.50"), "messages": [personal, of_phones]}
quick: QuickJob = {
    "kind": "quick",
    "vibername_id": 7,
    "type_message": "IMAGE",
    "image": Path("a.jpg"),
    "delivery_list": phones,
    "forwarding_message": True,
    "forwarding_time": 5,
}
with open("a.jpg", "rb") as file:
    to_list = ListJob(kind="list", vibername_id=7, list_id=2, image=file, type_message="IMAGE", rate="10/day")
plain = {"kind": "quick", "vibername_id": 7, "phone": "375291111111", "message": "x"}
anything: dict[str, Any] = plain
templated: BulkMailing = {
    "alphaname_id": 444,
    "message_type": "personal",
    "content": {"type": "text", "text": "Hello {name|friend}, you have {points} points"},
    "delivery_list": [{"phone": "375291111111", "values": {"name": None, "points": 150}}],
}
enqueue({"messages": [templated]})
enqueue(bulk, key="spring")
enqueue(plain)
enqueue(anything)
enqueue({"kind": "list", "vibername_id": 7, "list_id": 2, "message": "x"})
preview(quick, recipients="people.csv").as_dict()
preview(to_list)
enqueue_many([quick, quick], keys=["a", "b"])
enqueue_many([plain, anything])
enqueue_many(dict(anything, phone=phone) for phone in phones)
"""


#: Only what the signatures are made of is read: the rest of the package, and all that it uses, takes mypy long.
CONFIG: Final = """
[mypy]
follow_imports = skip
[mypy-campaigns,campaigns.client,campaigns.enqueue,campaigns.enqueue_many,campaigns.preview,campaigns.preparing.job,campaigns.jobs.typed]
follow_imports = silent
"""


def complaints(folder: Path, **applications: str) -> dict[str, list[int]]:
    """The lines of each application that mypy complains about."""
    (folder / "mypy.ini").write_text(CONFIG, "utf-8")
    for name, text in applications.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    options = ["--strict", "--cache-dir", str(folder / "cache"), "--config-file", str(folder / "mypy.ini")]
    out, err, _ = api.run([*options, *(str(folder / f"{name}.py") for name in applications)])
    assert err == ""
    found: dict[str, list[int]] = {name: [] for name in applications}
    for line in out.splitlines():
        if match := re.match(r".*?(wrong|right)\.py:(\d+): error:", line):
            found[match[1]].append(int(match[2]))
        else:
            assert re.search(r": note:|^Found", line), line
    return found


def test_mypy_finds_six_mistakes_and_no_others(tmp_path: Path) -> None:
    lines = [number for number, line in enumerate(WRONG.splitlines(), 1) if line.endswith("# wrong")]
    assert len(lines) == 6
    assert complaints(tmp_path, wrong=WRONG, right=RIGHT) == {"wrong": lines, "right": []}


@pytest.mark.parametrize(("form", "schema"), FORMS)
def test_fields_are_those_of_the_schema(form: Any, schema: type[StrictSchema]) -> None:
    fields = schema.shared().fields
    assert set(fields) == set(form.__annotations__)
    assert {name for name, field in fields.items() if field.required} == form.__required_keys__


@pytest.mark.parametrize(("form", "schema"), FORMS)
def test_null_and_words_are_those_of_the_schema(form: Any, schema: type[StrictSchema]) -> None:
    for name, hint in get_type_hints(form).items():
        field, options = schema.shared().fields[name], alternatives(hint)
        assert (type(None) in options) == field.allow_none, name
        words = [word for option in options if get_origin(option) is Literal for word in get_args(option)]
        if isinstance(field, Word):
            assert sorted(words) == sorted(field.words.values()), name
        elif isinstance(field, Kind):
            assert words == [field.kind]


def alternatives(hint: Any) -> tuple[Any, ...]:
    """The parts of a union; what is none is its only part."""
    return get_args(hint) if isinstance(hint, types.UnionType) or str(get_origin(hint)) == "typing.Union" else (hint,)


def test_rows_and_images() -> None:
    row = any_row_shape(Settings())
    assert set(Recipient.__annotations__) == set(row["properties"]) == set(ROW_FIELDS)
    assert Recipient.__required_keys__ == set(row_shape(Settings(), RowForm())["required"])
    image = Image().shape(Settings())
    assert set(ImageUpload.__annotations__) == set(image["properties"])
    assert ImageUpload.__required_keys__ == set(image["required"])


def test_every_part_is_public() -> None:
    parts = {name for name, part in vars(job_forms).items() if is_typeddict(part) and not name.startswith("_")}
    assert parts <= set(campaigns.__all__)
    assert {form.__name__ for form, _ in FORMS} < parts
