"""Events against the schemas that ship with the package."""

from __future__ import annotations

import re

import jsonschema

from campaigns.events import Event, event_schemas

_VALIDATORS = {name: jsonschema.Draft202012Validator(schema) for name, schema in event_schemas().items()}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def check_event(event: Event) -> None:
    """The envelope and the data are as documented."""
    assert event.id == f"{event.source}/{event.sequence}"
    assert _TIME.fullmatch(event.time)
    _VALIDATORS[event.type].validate(event.data)
