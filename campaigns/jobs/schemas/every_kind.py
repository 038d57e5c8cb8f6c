"""The schema of what every kind of job has: who sends it, its key, its limits."""

from __future__ import annotations

from typing import Any, cast

from marshmallow import ValidationError, validates_schema

from campaigns.jobs.schemas.aliases import Alias, without_token
from campaigns.jobs.schemas.canary_fields import MAX_FAILED, WAIT_S, Share, canary_problems, canary_rules
from campaigns.jobs.schemas.fields import Amount, CorrelationId, Flag, Key, Kind, Line, Whole, Word
from campaigns.jobs.schemas.json_parts import Shape
from campaigns.jobs.schemas.mailings import NAME_LENGTH
from campaigns.jobs.schemas.paces import Pace
from campaigns.jobs.schemas.strict import StrictSchema, about, messages
from campaigns.jobs.schemas.window_fields import TimesOfDay, Weekdays, ZoneName, window_problems, window_rules
from campaigns.jobs.values import AS_DRAFT, NOW
from campaigns.settings import DEFAULT_ACCOUNT, Settings
from campaigns.statuses import NOT_AT_ALL, TO_DELIVERED, TO_READ

_TOKEN = {"token": "is refused: a job names an account, never a token"}


class EveryKind(StrictSchema):
    """What all kinds of job have in common."""

    REFUSED = _TOKEN

    kind = Kind("")  # each kind has its own
    account = Alias(
        load_default=DEFAULT_ACCOUNT,
        error_messages=messages("must be an alias"),
        metadata=about(
            "The account that sends and pays, by its alias: `shop` is the one whose token is in "
            "`CAMPAIGNS_TOKEN_SHOP`. A job never holds a token."
        ),
    )
    name = Line(
        most=NAME_LENGTH,
        load_default=None,
        metadata=about(
            "What the campaign is called in lists and reports.",
            gateway="A list mailing is sent under it; without it the gateway makes one up.",
        ),
    )
    key = Key(
        load_default=None,
        metadata=about(
            "Makes the job repeatable: the same key with the same job is one campaign, with another job it is refused. "
            "It may be given beside the job instead."
        ),
    )
    correlation_id = CorrelationId(
        load_default=None,
        metadata=about(
            "What your own logs know the job by, found again in `status`, in log lines and in every event of the "
            "campaign. Put no phone into it."
        ),
    )
    on_unknown = Word(
        "hold",
        "resend",
        load_default=None,
        metadata=about(
            "What becomes of a request in doubt once it is proven that it did not arrive: `hold` leaves it to a "
            "person, `resend` sends it again. Without it the setting `CAMPAIGNS_ON_UNKNOWN` decides."
        ),
    )
    follow = Word(
        TO_READ,
        TO_DELIVERED,
        NOT_AT_ALL,
        load_default=TO_READ,
        metadata=about(
            "How far messages are followed: until they are read, until they are delivered, or not at all (`none`). "
            "What is not followed costs no polls; a bulk mailing costs one, by which its id becomes known."
        ),
    )
    replies = Flag(
        load_default=True,
        metadata=about(
            "Whether replies are fetched. Without them nobody notices a reply that asks for no more messages.",
        ),
    )
    start = Word(
        NOW,
        AS_DRAFT,
        load_default=NOW,
        metadata=about(
            "`draft` plans and checks the campaign, and sends nothing before somebody else than who made it approves "
            "it. With the setting `CAMPAIGNS_APPROVAL_RECIPIENTS` or `CAMPAIGNS_APPROVAL_COST` a large one starts as a "
            "draft whatever stands here."
        ),
    )
    send_between = TimesOfDay(
        load_default=None,
        metadata=about(
            "From when until when it may go out, each day. What does not fit waits here until it opens again; what is "
            "under way when it closes is finished. Without it the setting `CAMPAIGNS_SEND_BETWEEN` decides."
        ),
    )
    send_on = Weekdays(
        load_default=None,
        metadata=about("The weekdays on which it may go out. Without it the setting `CAMPAIGNS_SEND_ON` decides."),
    )
    send_zone = ZoneName(
        load_default=None,
        metadata=about(
            "Whose clock that is. `recipient`: the clocks of the recipient's country, all of them at once where it has "
            "several zones, since a mobile number does not tell where somebody lives. Without it the setting "
            "`CAMPAIGNS_SEND_ZONE`, or else the gateway's zone."
        ),
    )
    canary = Whole(
        1,
        1_000_000,
        load_default=None,
        metadata=about(
            "So many recipients, the first of the job, get it before the others. Once their results are known, the "
            "others follow by themselves, or the campaign pauses and says why. Not for lists."
        ),
    )
    canary_wait_s = Whole(
        1,
        604_800,
        load_default=None,
        metadata=about(
            f"For how many seconds results are waited for after the last of them was sent; {WAIT_S} if absent."
        ),
    )
    canary_max_failed = Share(
        load_default=None,
        metadata=about(
            "The campaign pauses if a larger share of them than this was refused or cannot be delivered, or if nobody "
            f"has it on their phone by then; {MAX_FAILED} if absent."
        ),
    )
    transactional = Flag(
        load_default=False,
        metadata=about("Whether somebody waits for this message, such as a code: it goes out at any time."),
    )
    literal_text = Flag(
        load_default=False,
        metadata=about(
            "Braces such as `{name}` in texts are meant as they stand. Otherwise they are refused: nothing fills them."
        ),
    )
    max_recipients = Whole(
        load_default=None, metadata=about("The job is refused if it would go to more recipients than this.")
    )
    rate = Pace(
        load_default=None,
        metadata=about("How many recipients at most in a second, minute, hour or day, such as `10000/hour`."),
    )
    weight = Whole(
        1, 100, load_default=1, metadata=about("The campaign's part of the account's limit, beside other campaigns.")
    )
    max_cost = Amount(
        load_default=None,
        metadata=about(
            "The job is refused if it is expected to cost more than this. Needs the setting `CAMPAIGNS_MESSAGE_COST`."
        ),
    )

    @validates_schema
    def _guards_are_whole(self, data: Any, **_: Any) -> None:
        if errors := window_problems(data) | canary_problems(data):
            raise ValidationError(cast(Any, errors))

    def rules(self, settings: Settings) -> list[Shape]:
        """As of any object, and which fields of a window or a canary go together."""
        return [*window_rules(settings), *canary_rules()]

    @validates_schema(skip_on_field_errors=False)
    def _account_has_a_token(self, data: Any, **_: Any) -> None:
        if errors := without_token(data.get("account")):
            raise ValidationError(errors)
