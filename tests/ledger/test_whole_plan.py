"""Bodies as they are stored."""

from __future__ import annotations

import random
import zlib

import pytest

from campaigns.ledger.whole_plan import compressed


@pytest.mark.parametrize("size", [0, 1, 200, 1023, 1024, 1025, 5000])
def test_every_reader_of_zlib_reads_a_body(size: int) -> None:
    for body in (b"a" * size, random.Random(size).randbytes(size)):
        assert zlib.decompress(compressed(body)) == body


def test_a_single_message_is_stored_in_no_more_bytes_than_zlib_takes_by_itself() -> None:
    body = '{"alphaname_id":"1234","message":"Ваш код 123456. Никому его не сообщайте","phone":"375291234567"}'.encode()
    assert len(compressed(body)) <= len(zlib.compress(body)) + 4
