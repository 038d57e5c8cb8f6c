"""The schema of the fields that every kind of job has: account, key, window, canary, limits."""

from __future__ import annotations

from typing import Any, cast

from marshmallow import ValidationError, validates_schema

from campaigns.jobs.schemas.aliases import Alias, without_token
from campaigns.jobs.schemas.canary_fields import MAX_FAILED, WAIT_S, Share, canary_problems, canary_rules
from campaigns.jobs.schemas.cap_fields import cap_problems, cap_rules
from campaigns.jobs.schemas.fallback_field import LONGEST_S, fallback_problems, fallback_rules
from campaigns.jobs.schemas.fields import Amount, CorrelationId, Flag, Key, Kind, Line, Topic, Whole, Word
from campaigns.jobs.schemas.json_parts import Shape
from campaigns.jobs.schemas.mailings import NAME_LENGTH
from campaigns.jobs.schemas.paces import Pace
from campaigns.jobs.schemas.strict import StrictSchema, about, messages
from campaigns.jobs.schemas.window_fields import TimesOfDay, Weekdays, ZoneName, window_problems, window_rules
from campaigns.jobs.values import AS_DRAFT, NOW
from campaigns.settings import DEFAULT_ACCOUNT, Settings
from campaigns.settings.values import MOST_DAYS, MOST_MESSAGES
from campaigns.statuses import NOT_AT_ALL, TO_DELIVERED, TO_READ

_TOKEN = {"token": "is refused: a job names an account, never a token"}


class EveryKind(StrictSchema):
    """The fields that all kinds of job have."""

    REFUSED = _TOKEN

    kind = Kind("")  # each kind has its own
    account = Alias(
        load_default=DEFAULT_ACCOUNT,
        error_messages=messages("must be an alias"),
        metadata=about(
            "The alias of the account that sends and pays: `shop` is the account whose token is in "
            "`CAMPAIGNS_TOKEN_SHOP`. A job never holds a token."
        ),
    )
    name = Line(
        most=NAME_LENGTH,
        load_default=None,
        metadata=about(
            "The name of the campaign in lists and reports.",
            gateway="Also the name of a list mailing; without it the gateway invents one.",
        ),
    )
    topic = Topic(
        load_default=None,
        metadata=about(
            "What the campaign is about, such as `offers`, in any case. A recipient can opt out of one topic of an "
            "account, and still gets messages about others."
        ),
    )
    key = Key(
        load_default=None,
        metadata=about(
            "Makes the job repeatable: the same key with the same job gives the same campaign; with another job it is "
            "refused. The key may be passed as an argument instead."
        ),
    )
    correlation_id = CorrelationId(
        load_default=None,
        metadata=about(
            "The id of the job in your own logs. It appears in `status`, in log lines and in every event of the "
            "campaign, so it must not hold a phone."
        ),
    )
    on_unknown = Word(
        "hold",
        "resend",
        load_default=None,
        metadata=about(
            "What to do with a request in doubt once it is proven that it did not arrive: `hold` leaves the decision "
            "to a person, `resend` sends it again. The default is the setting `CAMPAIGNS_ON_UNKNOWN`."
        ),
    )
    follow = Word(
        TO_READ,
        TO_DELIVERED,
        NOT_AT_ALL,
        load_default=TO_READ,
        metadata=about(
            "How long messages are polled: until they are read, until they are delivered, or not at all (`none`). "
            "Even with `none`, a bulk mailing takes one poll, which fetches its id."
        ),
    )
    replies = Flag(
        load_default=True,
        metadata=about(
            "Whether replies are polled. If not, a reply that asks for no more messages goes unnoticed.",
        ),
    )
    fallback_after_s = Whole(
        1,
        LONGEST_S,
        load_default=None,
        metadata=about(
            "The event `delivery.fallback_due` names each recipient whose message is not delivered after this number "
            "of seconds, counted from when it was sent or is scheduled for. The application can then use another "
            "channel. Not with `follow: none` or `forwarding_message`."
        ),
    )
    start = Word(
        NOW,
        AS_DRAFT,
        load_default=NOW,
        metadata=about(
            "`draft` checks and plans the campaign, but sends nothing before a person other than its maker approves "
            "it. With the setting `CAMPAIGNS_APPROVAL_RECIPIENTS` or `CAMPAIGNS_APPROVAL_COST`, large campaigns are "
            "drafts in any case."
        ),
    )
    send_between = TimesOfDay(
        load_default=None,
        metadata=about(
            "The daily window in which the campaign may go out. When it closes, requests under way are finished, and "
            "the rest waits until it opens again. The default is the setting `CAMPAIGNS_SEND_BETWEEN`."
        ),
    )
    send_on = Weekdays(
        load_default=None,
        metadata=about("The weekdays on which it may go out. The default is the setting `CAMPAIGNS_SEND_ON`."),
    )
    send_zone = ZoneName(
        load_default=None,
        metadata=about(
            "The time zone of the window. `recipient` means that of the recipient's country. If the country has "
            "several zones, the window must be open in all of them, because a mobile number does not show where its "
            "owner lives. The default is the setting `CAMPAIGNS_SEND_ZONE`, or else the gateway's zone."
        ),
    )
    canary = Whole(
        1,
        1_000_000,
        load_default=None,
        metadata=about(
            "The number of recipients, the first of the job, who get it before the others. Of several mailings each "
            "has an equal part, at least one recipient, and is judged by itself. Once the results are known, the "
            "others follow by themselves, or the campaign pauses and gives the reason. Not for list jobs."
        ),
    )
    canary_wait_s = Whole(
        1,
        604_800,
        load_default=None,
        metadata=about(
            f"How many seconds to wait for results after the last canary message was sent; {WAIT_S} if absent."
        ),
    )
    canary_max_failed = Share(
        load_default=None,
        metadata=about(
            "The campaign pauses if a larger share of the canary than this, or of its part in one mailing, was refused "
            f"or is undeliverable, or if no canary message is on a phone by then; {MAX_FAILED} if absent."
        ),
    )
    transactional = Flag(
        load_default=False,
        metadata=about(
            "Whether the recipient waits for the message, such as a code. It then goes out at any time, no frequency "
            "cap holds it back, and it does not count for one."
        ),
    )
    cap_messages = Whole(
        1,
        MOST_MESSAGES,
        load_default=None,
        metadata=about(
            "A frequency cap of this job beside that of the settings: recipients who got this many campaign messages "
            "in `cap_days` days are excluded. Needs the setting `CAMPAIGNS_CAP_MESSAGES`. Not for list jobs."
        ),
    )
    cap_days = Whole(
        1,
        MOST_DAYS,
        load_default=None,
        metadata=about(
            "The days of `cap_messages`, today included. Both the default and the maximum are the setting "
            "`CAMPAIGNS_CAP_DAYS`."
        ),
    )
    literal_text = Flag(
        load_default=False,
        metadata=about(
            "Whether braces in texts are ordinary characters. If not, `{name}` is refused where no values can fill it."
        ),
    )
    max_recipients = Whole(load_default=None, metadata=about("A job with more recipients than this is refused."))
    rate = Pace(
        load_default=None,
        metadata=about("The most recipients per second, minute, hour or day, such as `10000/hour`."),
    )
    weight = Whole(
        1,
        100,
        load_default=1,
        metadata=about("The campaign's share of the account's rate, relative to other campaigns."),
    )
    max_cost = Amount(
        load_default=None,
        metadata=about(
            "A job that is expected to cost more than this is refused. Needs the setting `CAMPAIGNS_MESSAGE_COST`."
        ),
    )

    @validates_schema
    def _guards_are_whole(self, data: Any, **_: Any) -> None:
        if errors := window_problems(data) | canary_problems(data) | fallback_problems(data) | cap_problems(data):
            raise ValidationError(cast(Any, errors))

    def rules(self, settings: Settings) -> list[Shape]:
        """The rules of any object, and those between the fields of a window, a canary, a fallback or a cap."""
        return [*window_rules(settings), *canary_rules(), *fallback_rules(), *cap_rules(settings)]

    @validates_schema(skip_on_field_errors=False)
    def _account_has_a_token(self, data: Any, **_: Any) -> None:
        if errors := without_token(data.get("account")):
            raise ValidationError(errors)
