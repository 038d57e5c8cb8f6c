"""Commands go on the wire as redis-py packs them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis._parsers.encoders import Encoder
from redis.connection import PythonRespSerializer
from redis.exceptions import DataError

from campaigns.store.packing import Packer

_THEIRS = PythonRespSerializer(6000, Encoder("utf-8", "strict", False).encode)
_NAMES = st.sampled_from(["SET", "CONFIG GET", b"evalsha", b"SCRIPT LOAD", "Пара слов"])
_VALUES = st.one_of(
    st.text(max_size=20),
    st.binary(max_size=20),
    st.integers(),
    st.floats(),
    st.binary(max_size=5).map(bytearray),
    st.binary(max_size=5).map(memoryview),
    st.integers(5_990, 17_000).map(lambda size: b"x" * size),
    st.integers(5_990, 17_000).map(lambda size: "ж" * size),
)


def on_the_wire(packer: Any, *args: Any) -> bytes:
    return b"".join(bytes(piece) for piece in packer.pack(*args))


@given(_NAMES, st.lists(_VALUES, max_size=8))
def test_the_same_bytes(name: str | bytes, values: list[Any]) -> None:
    assert on_the_wire(Packer(), name, *values) == on_the_wire(_THEIRS, name, *values)


@pytest.mark.parametrize("value", [True, None, [], {}, object()])
def test_what_has_no_place_in_a_command(value: object) -> None:
    for packer in (Packer(), _THEIRS):
        with pytest.raises(DataError):
            packer.pack("SET", "key", value)


def test_half_a_character() -> None:
    for packer in (Packer(), _THEIRS):
        with pytest.raises(UnicodeEncodeError):
            packer.pack("SET", "key", "\ud800")
