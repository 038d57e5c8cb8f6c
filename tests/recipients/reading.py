"""Files of recipients as tests write and read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from campaigns.errors import JobError
from campaigns.recipients import read_recipients

#: Three phones.
A, B, C = "375291234567", "375291234568", "375291234569"


def read(
    folder: Path,
    text: str | bytes,
    name: str = "people.csv",
    *,
    columns: Mapping[str, str | int] | None = None,
    encoding: str | None = None,
    fields: set[str] | None = None,
) -> list[Any]:
    """The recipients of a file with this content."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_recipients(path, columns=columns, encoding=encoding).asking(fields, "BY"))


def refusal(folder: Path, text: str | bytes, name: str = "people.csv", **options: Any) -> str:
    """The one line with which a file with this content is refused."""
    with pytest.raises(JobError) as caught:
        read(folder, text, name, **options)
    (line,) = caught.value.lines
    return line.removeprefix("recipients: ")
