"""The JSON Schema of jobs accepts and refuses the same documents as the check of jobs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from campaigns.jobs.json_schema import job_schema
from campaigns.settings import Settings
from tests.jobs.documents import BAD, GOOD
from tests.jobs.schemas import ALL, OF_KIND, is_valid, refusals


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


@pytest.mark.parametrize("job", BAD, ids=str)
def test_bad(job: dict[str, Any]) -> None:
    assert refusals(job) != []
    assert not is_valid(job)


def test_limits_are_those_of_the_settings() -> None:
    schema = job_schema("quick", Settings(text_length=70, image_bytes=9))["properties"]
    assert schema["message"]["maxLength"] == 70
    assert schema["image"]["properties"]["base64"]["maxLength"] == 12
