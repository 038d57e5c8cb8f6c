"""The field of a job that names its account."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields

from campaigns.jobs.schemas.json_parts import Shape
from campaigns.jobs.schemas.strict import CHECKING
from campaigns.settings import Settings, token_variable
from campaigns.settings.environment import ALIAS


class Alias(fields.Field[str]):
    """The alias of an account, in any case."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        alias = value.lower() if isinstance(value, str) and value.isascii() else ""
        if not ALIAS.fullmatch(alias):
            raise ValidationError("must be an alias of Latin letters, digits and _")
        return alias

    def shape(self, _settings: Settings) -> Shape:
        return {
            "title": "Latin letters, digits and _",
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "pattern": "^[A-Za-z0-9_]+$",
        }


def without_token(alias: str | None) -> dict[str, Any]:
    """The error of a job whose account has no token here, while this process has tokens of other accounts.

    `CAMPAIGNS_OTHER_ACCOUNTS` names those whose tokens the workers have nevertheless. A process that knows of no token
    may enqueue for every account.
    """
    known = CHECKING.get().settings.all_accounts
    if not known or alias is None or alias in known:
        return {}
    having = ", ".join(known)
    return {"account": [f"{alias!r} has no token: set {token_variable(alias)}; these have one: {having}"]}
