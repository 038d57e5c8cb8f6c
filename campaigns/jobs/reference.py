"""The reference page of the fields of jobs, made from the schemas that check jobs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from marshmallow import fields, missing

from campaigns.jobs.json_schema import field_shape
from campaigns.jobs.schemas.delivery_lists import ROW_FIELDS, any_row_shape
from campaigns.jobs.schemas.every_kind import EveryKind
from campaigns.jobs.schemas.json_parts import Shape
from campaigns.jobs.schemas.kinds import KINDS
from campaigns.jobs.schemas.mailings import ContentSchema, MailingSchema
from campaigns.jobs.schemas.strict import StrictSchema
from campaigns.jobs.value_words import shown, takes
from campaigns.settings import Settings

_HEAD: Final = """\
# Jobs, field by field

`campaigns schema --page` writes this page from the schemas that check jobs; `campaigns schema` prints the same as JSON
Schema. Limits that depend on a setting are shown with its default.

Words such as `bulk` or `TEXT` may be written in any case, except for `kind`. Whole numbers and amounts may be given as
text, because the gateway's ids come as numbers and as text. Unknown fields are refused, and all mistakes are reported
at once. The last column has the gateway's own rules; all others are rules of this project.
"""
_COLUMNS: Final = ("field", "needed", "what it takes", "what it means", "at the gateway")
_ROW_NEEDED: Final = {"phone": "yes", "text": "sometimes", "button_link": "sometimes", "values": "sometimes"}


def reference_page(settings: Settings) -> str:
    """The page as Markdown, with the limits of these settings."""
    return "\n".join([_HEAD, *_sections(settings)])


def _sections(settings: Settings) -> Iterator[str]:
    shared = EveryKind.shared().fields
    yield from _section("Every job", EveryKind.shared(), settings, leave_out={"kind"})
    for kind, schema in KINDS.items():
        yield from _section(f"Kind `{kind}`", schema.shared(), settings, leave_out=set(shared) - {"kind"})
        if kind == "bulk":
            yield from _section("A mailing: an element of `messages`", MailingSchema.shared(), settings)
            rules = MailingSchema.shared().rules(settings)
            yield from _section("Its `content`", ContentSchema.shared(), settings, rules=rules)
            yield from _rows(settings)


def _section(
    title: str,
    schema: StrictSchema,
    settings: Settings,
    *,
    leave_out: Iterable[str] = frozenset(),
    rules: Sequence[Shape] = (),
) -> Iterator[str]:
    at_times = set(_required_by([*rules, *schema.rules(settings)]))
    yield f"## {title}\n\n{' '.join((schema.__doc__ or '').split())}\n"
    yield from _table(
        (name, _needed(name, field, at_times), takes(field_shape(field, settings)), *_said(field.metadata))
        for name, field in schema.fields.items()
        if name not in leave_out
    )


def _rows(settings: Settings) -> Iterator[str]:
    yield "## A recipient: an element of `delivery_list`\n\nA phone alone, or an object with these fields.\n"
    shapes = any_row_shape(settings)["properties"]
    yield from _table((name, _ROW_NEEDED[name], takes(shapes[name]), *_said(said)) for name, said in ROW_FIELDS.items())


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(_COLUMNS)} |"
    yield f"|{' --- |' * len(_COLUMNS)}"
    for name, *others in rows:
        yield f"| `{name}` | {' | '.join(cell.replace('|', '&#124;') for cell in others)} |"
    yield ""


def _required_by(rules: Any) -> Iterator[str]:
    """The fields that some rule between fields requires."""
    if isinstance(rules, list):
        for rule in rules:
            yield from _required_by(rule)
    elif isinstance(rules, dict):
        yield from rules.get("required", [])
        for word, rule in rules.items():
            if word not in {"if", "not", "required"}:
                yield from _required_by(rule)


def _needed(name: str, field: fields.Field[Any], at_times: Collection[str]) -> str:
    if field.required:
        return "yes"
    if name in at_times:
        return "sometimes"
    return "no" if field.load_default in (missing, None) else f"no; `{shown(field.load_default)}`"


def _said(said: Mapping[str, str]) -> tuple[str, str]:
    return said["means"], said["gateway"]
