"""The field of a job that carries an image file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from marshmallow import ValidationError, fields

from campaigns.jobs.schemas.json_parts import Shape
from campaigns.jobs.schemas.strict import CHECKING, ERRORS_CAP
from campaigns.jobs.values import ImageFile
from campaigns.settings import Settings
from campaigns.text.unknown_fields import unknown_field
from campaigns.text.wellformed import text_problem

_FILE_NAME_LENGTH: Final = 200
_TYPES: Final = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}
_FIELDS: Final = ("filename", "base64")


class Image(fields.Field[ImageFile]):
    """An image file: a path, bytes or a binary file; in JSON `{"filename", "base64"}`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> ImageFile:
        filename, content = _content_of(value)
        most = CHECKING.get().settings.image_bytes
        if len(content) > most:
            raise ValidationError(f"is larger than {most} bytes")
        for magic, content_type in _TYPES.items():
            if content.startswith(magic):
                return ImageFile(filename, content_type, content)
        raise ValidationError("must be a JPEG, PNG or GIF image")

    def shape(self, settings: Settings) -> Shape:
        encoded = {
            "description": "The bytes of a JPEG, PNG or GIF image as base64.",
            "type": "string",
            "contentEncoding": "base64",
            "pattern": "^[A-Za-z0-9+/]+={0,2}$",
            "maxLength": 4 * -(-settings.image_bytes // 3),
        }
        named = {"description": "The file name that the gateway gets.", "type": "string", "default": "image"}
        return {
            "type": "object",
            "properties": {"filename": named, "base64": encoded},
            "required": ["base64"],
            "additionalProperties": False,
        }


def _content_of(value: Any) -> tuple[str, bytes]:
    if isinstance(value, Path):
        try:
            return value.name, value.read_bytes()
        except OSError as error:
            raise ValidationError(f"cannot be read: {error.strerror}") from None
        except ValueError:  # a NUL, or half a character
            raise ValidationError("cannot be read: this is not a possible file name") from None
    if isinstance(value, (bytes, bytearray)):
        return "image", bytes(value)
    if isinstance(value, Mapping):
        return _decoded(value)
    if hasattr(value, "read"):
        content = cast(BinaryIO, value).read()
        if isinstance(content, bytes):
            return Path(str(getattr(value, "name", "image"))).name, content
    if isinstance(value, str):
        raise ValidationError("must not be text: give pathlib.Path(...), bytes, a binary file, or {filename, base64}")
    raise ValidationError("must be a path, bytes, a binary file, or {filename, base64}")


def _decoded(document: Mapping[Any, Any]) -> tuple[str, bytes]:
    if unknown := [name for name in document if name not in _FIELDS][:ERRORS_CAP]:
        raise ValidationError(cast(Any, {str(name): [unknown_field(name, _FIELDS)] for name in unknown}))
    if not isinstance(document.get("filename", ""), str):
        raise ValidationError(cast(Any, {"filename": ["must be text"]}))
    try:
        return _file_name(document.get("filename")), base64.b64decode(document["base64"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise ValidationError("must hold the image as base64") from None


def _file_name(value: object) -> str:
    name = Path(value).name if isinstance(value, str) and text_problem(value) is None else ""
    return name[:_FILE_NAME_LENGTH] if name.isprintable() and name else "image"
