"""The JSON Schema of jobs and the check of jobs agree about generated documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.jobs.schemas.kinds import KINDS
from tests.jobs.documents import GOOD, LINK, PHONE
from tests.jobs.schemas import is_valid, refusals

#: Reasons of the check that no JSON Schema can express, or only less exactly.
_BEYOND: Final = re.compile(
    r"is in the past$|is not a valid time$|is no point in time$|lies outside of the years|does not exist in|"
    r"is the name of messages|"
    r"is not a mobile phone number$|has no token|must not be empty$|holds |names no host$|has a host or a port|"
    r"is too large a number$|must hold the image as base64$|must be a JPEG|must lie between|must be at least|"
    r"must be an alias|must be a whole number$|must be recipients per second|is too large a number|must be more than 0$|"
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
                "K",
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
    """The paths to all places of a document."""
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from places(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from places(part, (*path, number))


@st.composite
def changed_jobs(draw: st.DrawFn) -> dict[str, Any]:
    """An accepted job in which one to three places were changed, left out or added."""
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
    """What the check accepts is valid. What is valid is refused only for a reason that JSON Schema cannot express."""
    lines = refusals(job)
    if not lines:
        assert is_valid(job)
    elif is_valid(job):
        assert any(_BEYOND.search(line) for line in lines), lines
