"""The words for states, classes and statuses in Russian, and the forms of nouns. Pure."""

from __future__ import annotations

from typing import Final

#: Forms for 1, 2 to 4, and 5 or more.
NOUNS: Final[dict[str, tuple[str, str, str]]] = {
    "message": ("сообщение", "сообщения", "сообщений"),
    "request": ("запрос", "запроса", "запросов"),
    "further request": ("другой запрос", "других запроса", "других запросов"),
    "mailing": ("рассылка", "рассылки", "рассылок"),
    "person": ("человек", "человека", "человек"),
    "reply": ("ответ", "ответа", "ответов"),
    "second": ("секунда", "секунды", "секунд"),
    "minute": ("минута", "минуты", "минут"),
    "hour": ("час", "часа", "часов"),
    "day": ("день", "дня", "дней"),
}

#: Labels of states, exclusions and statuses, in English and in Russian.
WORDS: Final[dict[str, str]] = {
    # States of a campaign.
    "planning": "готовится",
    "draft": "черновик",
    "ready": "в работе",
    "paused": "приостановлена",
    "cancelling": "отменяется",
    "finished": "завершена",
    "cancelled": "отменена",
    "invalid": "с ошибками",
    "abandoned": "брошена",
    # What the state of a campaign would hide.
    "all refused": "всё отклонено",
    "part refused": "часть отклонена",
    "held": "есть задержанные",
    "canary": "идёт проба",
    "canary failed": "проба не прошла",
    "over budget": "не хватает бюджета",
    "window closed": "вне времени отправки",
    "events full": "поток событий полон",
    # Weekdays.
    "mon": "пн",
    "tue": "вт",
    "wed": "ср",
    "thu": "чт",
    "fri": "пт",
    "sat": "сб",
    "sun": "вс",
    # Classes of recipients.
    "excluded: invalid": "исключены: с ошибками",
    "excluded: handed in more than once": "исключены: переданы повторно",
    "excluded: had enough messages": "исключены: уже получили достаточно сообщений",
    "had enough messages": "уже получили достаточно сообщений",
    "excluded: could not be reached": "исключены: сообщения не доходили",
    "could not be reached": "сообщения не доходили",
    "excluded: opted out": "исключены: отказались",
    "opted out": "отказались",
    "handed in more than once": "переданы повторно",
    "sent, final": "отправлены, с итогом",
    "sent, still followed": "отправлены, ещё отслеживаются",
    "waiting to be sent": "ждут отправки",
    "being sent": "отправляются",
    "in doubt: evidence is sought": "под вопросом: ищем подтверждение",
    "held: a person must decide": "задержаны: решает человек",
    "refused, not sent": "отклонены, не отправлены",
    "cancelled before it was sent": "отменены до отправки",
    "written off: outcome unknown": "списаны: итог неизвестен",
    # Kinds of statuses in the chart.
    "read": "прочитано",
    "delivered": "доставлено",
    "on the way": "в пути",
    "failed": "не дошло",
    # What statuses mean.
    "accepted by the gateway, not handed to Viber yet": "принято шлюзом, ещё не передано в Viber",
    "handed to Viber": "передано в Viber",
    "on the phone": "на телефоне",
    "the gateway never reported a final status": (
        "итогового статуса не было до конца наблюдения; больше не запрашиваем"
    ),
    "did not reach the phone: usually it has no Viber, or was off for too long": (
        "не дошло до телефона: обычно на нём нет Viber или он был долго выключен"
    ),
    "did not reach the phone before its time was over: the phone was off or offline": (
        "не дошло за отведённое время: телефон был выключен или не в сети"
    ),
    "the person has blocked the sender in Viber": "человек заблокировал отправителя в Viber",
    "Viber or the gateway refused this message": "Viber или шлюз отклонил сообщение",
    "Viber or the gateway could not carry it": "Viber или шлюз не смог его передать",
    "a word of the gateway that its documentation does not explain": "слово шлюза, которого нет в его документации",
}
