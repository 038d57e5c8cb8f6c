"""The sentences of a page in Russian: English template → Russian template. Pure."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    # The head, alerts and the foot.
    "campaign report": "отчёт о кампании",
    "Campaign without a name": "Кампания без названия",
    "Campaign": "Кампания",
    "Kind": "Вид",
    "Account": "Аккаунт",
    "Handed in": "Передана",
    "Scheduled for": "Назначена на",
    "{first} to {last}": "{first} – {last}",
    "{start} to {end} in {zone}": "с {start} до {end}, {zone}",
    "{start} to {end} on {days} in {zone}": "с {start} до {end}, {days}, {zone}",
    "all zones of the recipient's country": "все часовые пояса страны получателя",
    "Goes out from": "Время отправки",
    "Ended": "Завершена",
    "not yet": "ещё нет",
    "Report made": "Отчёт составлен",
    "All times are in {zone}.": "Всё время – {zone}.",
    "{messages} went out twice": "{messages} отправлено дважды",
    "A request in doubt was sent again, and the first one had arrived after all. What it cost is below.": (
        "Запрос с неясным исходом был отправлен снова, а первый, как оказалось, дошёл. Стоимость – ниже."
    ),
    "The recipients of this campaign do not add up": "Получатели этой кампании не сходятся",
    "Some recipients are in no class, or in two. See the classes below, and report it to your operators.": (
        "Некоторые получатели не учтены или учтены дважды. Смотрите классы ниже и сообщите тем, кто ведёт систему."
    ),
    "The job breaks rules, and nothing was sent": "В задании есть ошибки, ничего не отправлено",
    "and {number} more": "и ещё {number}",
    "{messages} held until a person decides": "{messages} ждёт решения человека",
    "Whether these requests count as sent is open. See below what is known and what to do.": (
        "Считать ли эти запросы отправленными, пока неясно. Ниже – что известно и что делать."
    ),
    "{messages} out of reach until {until}": "{messages} нельзя остановить до {until}",
    "They are scheduled at the gateway, which takes nothing back: neither pause nor cancel stops them.": (
        "Они запланированы на шлюзе, а он ничего не отзывает: ни пауза, ни отмена их не остановит."
    ),
    "The account is paused": "Аккаунт приостановлен",
    "Until {until}, because: {reason}": "До {until}, причина: {reason}",
    "Campaign {id}, {state}.": "Кампания {id}, {state}.",
    "It took {length}.": "Длительность: {length}.",
    "Cost so far {amount}.": "Стоимость на данный момент: {amount}.",
    "and": "и",
    # At a glance.
    "At a glance": "Коротко",
    "Which text did better?": "Какой текст лучше?",
    "What did it cost?": "Сколько это стоило?",
    "What did a read message cost?": "Сколько стоило прочтение?",
    "Why did messages fail?": "Почему не дошло?",
    "When do people read?": "Когда читают?",
    "Who must not be written to again?": "Кому больше не писать?",
    "What is still open?": "Что ещё не ясно?",
    "What was sent?": "Что отправлено?",
    "Messages of this campaign are not followed until they are read.": "За прочтением этой кампании система не следит.",
    "It is due to the texts only if recipients were divided at random.": (
        "Дело в текстах, только если получатели разделены случайно."
    ),
    "Too little is delivered to compare.": "Для сравнения доставлено слишком мало.",
    "The gateway has reported nothing yet.": "Шлюз пока ничего не сообщил.",
    "{amount}, {each} per message sent.": "{amount}, по {each} за отправленное сообщение.",
    "{messages} refused before sending.": "{messages} отклонено до отправки.",
    "Reason: {reason}": "Причина: {reason}",
    "Most often because: {reason}": "Чаще всего причина: {reason}",
    "Nothing: everything was refused.": "Ничего: всё отклонено.",
    "No message failed.": "Ошибок нет.",
    "{messages} ({part}), most of them {status}: {meaning}.": "{messages} ({part}), чаще всего {status}: {meaning}.",
    "{people} opted out by a reply, and get no more messages.": "Отказались в ответе: {people}. Им больше не пишут.",
    "{people} opted out by a reply, and get no more messages of this account.": (
        "Отказались в ответе: {people}. От этого аккаунта им больше не пишут."
    ),
    "{people} opted out by a reply, and get no more messages about this topic.": (
        "Отказались в ответе: {people}. На эту тему им больше не пишут."
    ),
    "{people} opted out by a reply, not all of them of everything.": "Отказались в ответе: {people}, не все от всего.",
    "Nothing: every message has an outcome.": "Всё ясно: у каждого сообщения есть итог.",
    "{number} of the delivered ones may still be read.": "Из доставленных {number} ещё могут прочитать.",
    "No final status came for {messages}; no longer polled.": (
        "{messages} без итогового статуса, больше не запрашиваем."
    ),
    "{messages} without an outcome.": "Без итога: {messages}.",
    "{messages} of {mailings}.": "{messages}: {mailings}.",
    # Mailings.
    "By mailing": "По рассылкам",
    "What was sent": "Что отправлено",
    "Mailing": "Рассылка",
    "Opted out": "Отказались",
    "Failed": "Не дошло",
    "{number} open": "{number} без итога",
    "Cost": "Стоимость",
    "{amount} per read": "{amount} за прочтение",
    "Text": "Текст",
    "Picture": "Картинка",
    "Button": "Кнопка",
    "a file": "файл",
    "for {moment}": "на {moment}",
    "a template": "шаблон",
    "Each recipient has a text of their own.": "У каждого получателя свой текст.",
    "and {number} more, all in: ": "и ещё {number}, все: ",
    "Shares: delivered and failed of sent, read of delivered. Replied and opted out: people, each once per mailing.": (
        "Доли: доставлено и не дошло от отправленных, прочитано от доставленных. Ответили, отказались: люди, каждый "
        "один раз на рассылку."
    ),
    "“{best}” was read by {best_share} of those who got it, “{other}” by {other_share}. The difference is larger than "
    "chance explains ({interval}: {low} to {high} points).": (
        "«{best}» прочитали {best_share} из тех, кому доставлено, «{other}» – {other_share}. Разница больше, чем "
        "объясняется случайностью ({interval}: от {low} до {high} п.\u00a0п.)."
    ),
    "“{best}” was read by {best_share} of those who got it, “{other}” by {other_share}. The difference may be chance "
    "({interval}: {low} to {high} points).": (
        "«{best}» прочитали {best_share} из тех, кому доставлено, «{other}» – {other_share}. Разница может быть "
        "случайной ({interval}: от {low} до {high} п.\u00a0п.)."
    ),
    "95% interval": "95-процентный интервал",
    "95% interval, corrected for the number of mailings": "95-процентный интервал с поправкой на число рассылок",
    "This is due to the texts only if the recipients were divided between the mailings at random. It does not say why "
    "the shares differ.": (
        "Дело в текстах, только если получатели разделены между рассылками случайно. Почему доли различаются, числа "
        "не говорят."
    ),
    "Some messages have no outcome yet, so this may change.": "У части сообщений нет итога, всё ещё может измениться.",
    # Funnel and classes.
    "Funnel": "Воронка",
    "No recipients were handed in.": "Получатели не переданы.",
    "Every recipient was excluded.": "Все получатели исключены.",
    "Planned": "Запланировано",
    "handed in, without the excluded": "передано, без исключённых",
    "Sent": "Отправлено",
    "the gateway has accepted them": "приняты шлюзом",
    "Delivered": "Доставлено",
    "on the phone, read or not": "на телефоне, прочитано или нет",
    "Read": "Прочитано",
    "opened": "открыто",
    "Replied": "Ответили",
    "people who answered": "люди, которые ответили",
    "{share} of sent": "{share} от отправленных",
    "{share} of delivered": "{share} от доставленных",
    "{share} of read": "{share} от прочитанных",
    "Every recipient": "Все получатели",
    "Class": "Класс",
    "Recipients": "Получатели",
    "Together, as many as were handed in": "Всего, столько же, сколько передано",
    "Together, but {number} were handed in": "Всего, но передано {number}",
    "✓ The recipients add up.": "✓ Получатели сходятся.",
    "✗ The recipients do not add up.": "✗ Получатели не сходятся.",
    " Sent {sent} = final {final} + awaiting a final status {awaiting}.": (
        " Отправлено {sent} = с итогом {final} + без итога {awaiting}."
    ),
    # Times.
    "When people read": "Когда читают",
    "The busiest hour is {start} to {end} ({part} of all reads), by the clocks of {zone}.": (
        "Чаще всего с {start} до {end} ({part}), по времени {zone}."
    ),
    "Read messages by the hour of the day. At most {messages} per {length}.": (
        "Прочтения по часам суток. Наибольшее: {messages} на {length}."
    ),
    "Deliveries over time": "Доставка по времени",
    "Each message at the time at which it reached its present status.": (
        "Каждое сообщение показано в момент, когда оно получило нынешний статус."
    ),
    "Single messages and counters differ by {number}: the campaign changed while it was read, or an earlier version "
    "erased people.": (
        "Отдельные сообщения и счётчики расходятся на {number}: кампания менялась во время чтения, или людей стёрла "
        "прежняя версия."
    ),
    "By status": "По статусам",
    "Status": "Статус",
    "Messages": "Сообщения",
    "Of sent": "От отправленных",
    "First": "Первое",
    "Last": "Последнее",
    "(no word)": "(без слова)",
    "no status yet": "статуса ещё нет",
    "Messages by status over time. At most {messages} per {length}. The table below has the numbers.": (
        "Сообщения по статусам и времени. Наибольшее: {messages} на {length}. Числа – в таблице ниже."
    ),
    "Each bar stands for {length}.": "Один столбец – {length}.",
    "Not drawn: {messages} ({share}) earlier, from {moment}.": "Не показаны: {messages} ({share}) раньше, с {moment}.",
    "Not drawn: {messages} ({share}) later, until {moment}.": "Не показаны: {messages} ({share}) позже, до {moment}.",
    # Failures.
    "Failures by reason": "Почему не дошло",
    "None.": "Ошибок нет.",
    "Sent, and not delivered": "Отправлено и не доставлено",
    "Error code": "Код ошибки",
    "What it means": "Что это значит",
    "Refused, and certainly not sent": "Отклонено и точно не отправлено",
    "Why": "Почему",
    "What": "Что",
    "no reason was given": "причина не указана",
    "mailing": "рассылка",
    "Once the reason is fixed, whole requests can be sent again:": (
        "Когда причина устранена, запросы целиком можно отправить снова:"
    ),
    # Money.
    "As the gateway reports so far": "По данным шлюза на сейчас",
    "A message cost more on average than expected.": "Сообщение в среднем стоило больше, чем ожидалось.",
    "nothing yet": "пока ничего",
    "Per message sent": "За отправленное сообщение",
    "Per message read": "За прочитанное сообщение",
    "Mailings without a price yet": "Рассылки, цены которых ещё нет",
    "{number} of {all}": "{number} из {all}",
    "Expected per message (CAMPAIGNS_MESSAGE_COST)": "Ожидалось за сообщение (CAMPAIGNS_MESSAGE_COST)",
    "Expected for {messages}": "Ожидалось за {messages}",
    "Limit of the job (max_cost)": "Предел задания (max_cost)",
    "Amount": "Сумма",
    "": "",
    "{messages} went out twice. Compare with the gateway's bill: the price below may not contain the second time.": (
        "{messages} отправлено дважды. Сверьте со счётом шлюза: в цене ниже второго раза может не быть."
    ),
    # What is open.
    "Open, unknown or held": "Без итога, неизвестно или задержано",
    "Why, and what to do": "Почему и что делать",
    "Account paused": "Аккаунт приостановлен",
    "Account {account} is paused: {reason}.": "Аккаунт {account} приостановлен: {reason}.",
    "It continues the next day, or with a higher CAMPAIGNS_DAILY_BUDGET.": (
        "Продолжится на следующий день или с большим CAMPAIGNS_DAILY_BUDGET."
    ),
    "Once that is fixed:": "Когда это исправлено:",
    "Sending pauses": "Отправка стоит",
    "The event stream is full: start the consumers of group {group}, or delete the group.": (
        "Поток событий полон: запустите потребителей группы {group} или удалите группу."
    ),
    "Waiting": "Ждёт отправки",
    "The canary failed: {reason}.": "Проба не прошла: {reason}.",
    "The campaign is paused.": "Кампания приостановлена.",
    "The campaign is paused: {reason}.": "Кампания приостановлена: {reason}.",
    "To go on:": "Продолжить:",
    "A draft, made by {name}: {reason}.": "Черновик, автор {name}: {reason}.",
    "Once another person has checked it:": "Когда его проверит другой человек:",
    "They are sent automatically.": "Отправятся сами.",
    "Scheduled ones go out shortly before their time.": "Запланированные уйдут незадолго до своего времени.",
    "They go out once the canary's results are known.": "Уйдут, когда будут известны результаты пробы.",
    "They go out from {window}.": "Время отправки: {window}.",
    "Being sent": "Отправляется",
    "At this moment.": "В эту минуту.",
    "In doubt": "Под вопросом",
    "Sent without a clear answer. The gateway's listing is being checked; there is nothing to do yet.": (
        "Отправлено без ясного ответа. Список шлюза проверяется, делать пока ничего не нужно."
    ),
    "({reasons})": "({reasons})",
    "Held": "Задержано",
    "Requests in doubt, listed below with what is known. Check the gateway's cabinet, then decide:": (
        "Запросы с неясным исходом, они перечислены ниже. Проверьте кабинет шлюза и решите:"
    ),
    "Written off": "Списано",
    "A person decided to stop asking; the outcome stays unknown.": (
        "Человек решил больше не спрашивать, итог останется неизвестным."
    ),
    "Outcome never known": "Итог неизвестен",
    "Status {word}": "Статус {word}",
    "Neither the contract nor the settings know this status.": "Этого статуса нет ни в договоре, ни в настройках.",
    "Awaiting a final status": "Ждёт итогового статуса",
    "They are polled automatically; to poll now:": "Запрашивается само, запросить сейчас:",
    "Requests that are held": "Задержанные запросы",
    "Request": "Запрос",
    "Held since": "Задержан с",
    "no evidence either way": "нет подтверждений ни за, ни против",
    "and {requests}": "и {requests}",
    "One of them:": "Один из них:",
    "sent: the gateway has it. resend: it never arrived; it is sent and paid for again. "
    "write-off: the outcome stays unknown.": (
        "sent: запрос у шлюза. resend: он не дошёл, отправить и оплатить снова. write-off: итог останется неизвестным."
    ),
    # People.
    "Not to be written to again": "Кому больше не писать",
    "No one has opted out by a reply to this campaign.": "Никто не отказался в ответ на эту кампанию.",
    "{people} opted out by a reply to this campaign. They are on the suppression list, and every later campaign "
    "excludes them by itself.": (
        "В ответ на эту кампанию отказались: {people}. Они в стоп-листе, и каждая новая кампания исключит их сама."
    ),
    "{people} opted out of this account by a reply to this campaign, and its later campaigns exclude them.": (
        "В ответ на эту кампанию от этого аккаунта отказались: {people}. Его новые кампании их исключат."
    ),
    "{people} opted out of this topic by a reply to this campaign, and later campaigns about it exclude them.": (
        "В ответ на эту кампанию от этой темы отказались: {people}. Новые кампании о ней их исключат."
    ),
    "{people} opted out by a reply to this campaign, some of them only of this account or topic.": (
        "В ответ на эту кампанию отказались: {people}, некоторые только от этого аккаунта или темы."
    ),
    "Their phones:": "Их телефоны:",
    "Excluded, not messaged": "Исключены, им не писали",
    "Reason": "Причина",
    "Of handed in": "От переданных",
    "opted out before planning": "отказались до подготовки",
    "opted out after planning, before it went out": "отказались после подготовки, до отправки",
    "Each with place and phone:": "Каждый, с местом и телефоном:",
    "Replies": "Ответы",
    "{replies} from {people}:": "{replies}, {people}:",
    "{replies} from {people}, the newest {number} of them:": "{replies}, {people}. Последние {number}:",
    "Received": "Получен",
    "Phone": "Телефон",
    "Message": "Сообщение",
    "unknown": "неизвестно",
    "show all {number}": "показать все {number}",
}
