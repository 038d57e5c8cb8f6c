"""The sentences of `reasons` in Russian. They stand within others, so they begin with a small letter. Pure."""

from __future__ import annotations

from typing import Final

REASONS: Final[dict[str, str]] = {
    # Of a canary.
    "failed: {failed} of {all}, and at most {most} percent may": (
        "неудачных {failed} из {all}, а допустимо не более {most} процентов"
    ),
    "failed in {mailing}: {failed} of {all}, and at most {most} percent may": (
        "в рассылке «{mailing}» неудачных {failed} из {all}, а допустимо не более {most} процентов"
    ),
    "a person has to decide about requests in doubt: {number}": (
        "запросов в сомнении, о которых должен решить человек: {number}"
    ),
    "no phone had received it {seconds} seconds after it was sent": (
        "через {seconds} с после отправки сообщения не было ни на одном телефоне"
    ),
    "no phone had received {mailing} {seconds} seconds after it was sent": (
        "сообщения рассылки «{mailing}» через {seconds} с после отправки не было ни на одном телефоне"
    ),
    # Of a draft.
    "it was handed in as a draft": "задание отдано как черновик",
    "large campaigns need approval, and only the gateway knows how many recipients its list has": (
        "большие кампании нужно одобрять, а сколько получателей в списке, знает только шлюз"
    ),
    "recipients: {planned}, and campaigns of {most} or more need approval": (
        "получателей {planned}, а кампании от {most} получателей нужно одобрять"
    ),
    "its expected cost is {cost}, and campaigns of {most} or more need approval": (
        "ожидаемая стоимость {cost}, а кампании стоимостью от {most} нужно одобрять"
    ),
    # Of a paused account.
    "too many requests": "слишком много запросов",
    "refused: {text}": "отказ: {text}",
    "no token for a worker: {text}": "у исполнителя нет токена: {text}",
    "{batch} was sent twice": "запрос {batch} отправлен дважды",
    "failures in a row: {number}; the last: {text}": "неудач подряд: {number}; последняя: {text}",
    "a request costs {cost}, and the whole daily budget is {budget}": (
        "запрос стоит {cost}, а весь дневной бюджет — {budget}"
    ),
    "the daily budget of {budget} has no room: {used} is spent or reserved, and the next request costs {cost}": (
        "дневного бюджета {budget} не хватает: потрачено или отложено {used}, а следующий запрос стоит {cost}"
    ),
    # Of a refusal here.
    "refused here: {reason}": "отклонено до шлюза: {reason}",
    "not confirmed: {reason}": "рассылка не подтверждена: {reason}",
    "the request body has expired before it was sent": "срок хранения запроса вышел до отправки",
    "the gateway reports no recipients on this list": "по данным шлюза, в этом списке нет получателей",
    "recipients on the list: {number}, the job's max_recipients is {most}": (
        "получателей в списке {number}, а max_recipients задания {most}"
    ),
    "max_cost cannot be checked; set CAMPAIGNS_MESSAGE_COST": (
        "max_cost нельзя проверить, задайте CAMPAIGNS_MESSAGE_COST"
    ),
    "the expected cost is {cost}, the job's max_cost is {most}": (
        "ожидаемая стоимость {cost}, а max_cost задания {most}"
    ),
}
