"""The columns of tables for spreadsheets in Russian. A recipient file with the first of them is understood. Pure."""

from __future__ import annotations

from typing import Final

COLUMNS: Final[dict[str, str]] = {
    "phone": "телефон",
    "mailing": "рассылка",
    "state": "состояние",
    "status": "статус",
    "time": "время",
    "error_code": "код ошибки",
    "replies": "ответы",
    # Of mailings.
    "type": "вид",
    "message_type": "вид рассылки",
    "text": "текст",
    "image": "картинка",
    "button": "кнопка",
    "link": "ссылка",
    "scheduled": "назначена на",
    "recipients": "получатели",
    "sent": "отправлено",
    "delivered": "доставлено",
    "read": "прочитано",
    "replied": "ответили",
    "opted_out": "отказались",
    "failed": "не дошло",
    "never_known": "итог неизвестен",
    "awaiting": "без итога",
    "waiting": "ждут отправки",
    "in_doubt": "под вопросом",
    "refused": "отклонено",
    "cancelled": "отменено",
    "excluded_invalid": "исключены: с ошибками",
    "excluded_duplicate": "исключены: переданы повторно",
    "excluded_opted_out": "исключены: отказались",
    "excluded_suppressed": "исключены: сообщения не доходили",
    "excluded_capped": "исключены: уже получили достаточно",
    "read_share": "доля прочитанных",
    "cost": "стоимость",
    "currency": "валюта",
    "cost_per_read": "стоимость прочтения",
    "unpriced": "рассылки без цены",
}
