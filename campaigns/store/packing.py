"""Commands as they go on the wire.

One round trip may carry thousands of arguments, and redis-py's own packer takes several times as long for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from redis._parsers.encoders import Encoder

#: Bytes of a value that is passed on as it is and not copied into its command.
_LARGE: Final = 16_384
#: For the kinds of values that are rare; it refuses those that have no place in a command.
_ENCODE: Final[Callable[[Any], Any]] = Encoder("utf-8", "strict", decode_responses=False).encode  # type: ignore[no-untyped-call]


class Packer:
    """A `command_packer` of redis-py's connections."""

    def pack(self, *args: Any) -> list[Any]:
        """The command in pieces. A name of several words, such as `CONFIG GET`, is several arguments. Raises redis-py's
        DataError if a value is of a type that cannot be sent."""
        name, *values = args
        words = name.encode().split() if isinstance(name, str) else name.split()
        packed, pieces = list[Any](), [b"*%d\r\n" % (len(words) + len(values))]
        for value in (*words, *values):
            kind = type(value)
            if kind is str:
                raw = value.encode()
            elif kind is bytes:
                raw = value
            else:
                raw = b"%d" % value if kind is int else _ENCODE(value)
            size = len(raw)
            if size > _LARGE:
                packed += [b"".join((*pieces, b"$%d\r\n" % size)), raw]
                pieces = [b"\r\n"]
            else:
                pieces.append(b"$%d\r\n%b\r\n" % (size, raw))
        return [*packed, b"".join(pieces)]
