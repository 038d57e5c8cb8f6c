"""By which words and HTTP statuses the gateway refuses the account, and not what was sent. Pure.

The words are those of the platform's public pages and client code, in Russian and in English, in any case and
under any HTTP status. Parts of words do not count, and a limit alone may be one of characters: a content's fault
that is taken for the account's stops all campaigns of the account.
"""

from __future__ import annotations

import re
from typing import Final

#: Unauthorised, no money, no rights, no such page, a proxy that wants credentials.
ACCOUNT_STATUSES: Final = frozenset({401, 402, 403, 404, 407})
#: Statuses by which the token itself is refused, so that nothing can be read either.
_TOKEN_STATUSES: Final = frozenset({401, 403, 407})


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_LIMIT: Final = _words(
    r"\btoo many (requests|attempts)\b",
    r"\b(rate|requests?|daily|hourly|sending)[- ]limit",
    r"\blimit (of|on|for) (requests|sendings|messages per)\b",
    r"^\W*limit (is |was |has been )?exceeded\W*$",
    r"\bслишком (много|часто)",
    r"\bлимит\w* (на )?(количеств\w* )?(запрос|отправ|обращен)",
    r"\bпревы\w+ (допустим\w+ )?(числ|количеств|част)\w* (запрос|отправ|обращен)",
    r"\bлимит\w*( превышен\w*| исчерпан\w*)?\W*$",
)
_TOKEN: Final = _words(
    r"\btokens?\b",
    r"\bunauthori[sz]ed\b",
    r"\b(un)?authenticat",
    r"\bapi.?key\b",
    r"\bтокен",
    r"\bавториз",
    r"\bаутентифик",
)
_MONEY: Final = _words(
    r"\binsufficient\W+(\w+\W+)?(funds?|balance|money|credits?)\b",
    r"\b(not enough|no|low on) (money|funds|credits?)\b",
    r"\b(balance|funds)\b",
    r"\bpayment required\b",
    r"\bсредств\b",
    r"\bбаланс",
    r"\bденег\b",
)
#: What more often speaks of the account, but may be said of a picture or a name as well.
_LIKELY: Final = _words(
    r"\binsufficient\b",
    r"\baccess denied\b",
    r"\bforbidden\b",
    r"\bblocked account\b",
    r"\b(account|user)\b.*\b(blocked|disabled|suspended|inactive|not found)\b",
    r"\bсредств",
    r"\bдоступ\w* (запрещ|закрыт|ограничен)",
    r"\bнет доступа\b",
    r"\bключ(а|у|ом)?\b",
    r"\b(аккаунт|пользовател|уч[её]тн)\w*\b.*\b(заблокир|отключ|не найден)",
)


def of_account(text: str) -> bool:
    """Whether the words of a refusal are about the account."""
    return any(words.search(text) for words in (_LIMIT, _TOKEN, _MONEY, _LIKELY))


def of_limit(text: str) -> bool:
    """Whether the words are those of a limit of requests."""
    return bool(_LIMIT.search(text))


def of_token(http_status: int | None, text: str) -> bool:
    """Whether the token itself is refused: then nothing of the account can be read either."""
    return http_status in _TOKEN_STATUSES or bool(_TOKEN.search(text))


def beyond_doubt(http_status: int | None, text: str) -> bool:
    """Whether a refusal of the account cannot be one of the content: limits, tokens, money; 401, 402 and 407."""
    return http_status in {401, 402, 407} or any(words.search(text) for words in (_LIMIT, _TOKEN, _MONEY))
