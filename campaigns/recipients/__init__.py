"""Recipients: normalises phones, checks rows, reads files. Only `sources` and `sheets` open a file."""

from campaigns.recipients.cells import lost_digits
from campaigns.recipients.countries import countries_of, has_zones, one_country, zones_in
from campaigns.recipients.files import RecipientFile, read_recipients
from campaigns.recipients.lists import Listed, listed_phones
from campaigns.recipients.phones import mobile_phone, mobile_phones, normalise_phone, phones_within, rows_are_usual
from campaigns.recipients.rows import BUTTON_LINK_LENGTH, RowForm, link_problem, row_problem

__all__ = [
    "BUTTON_LINK_LENGTH",
    "Listed",
    "RecipientFile",
    "RowForm",
    "countries_of",
    "has_zones",
    "link_problem",
    "listed_phones",
    "lost_digits",
    "mobile_phone",
    "mobile_phones",
    "normalise_phone",
    "one_country",
    "phones_within",
    "read_recipients",
    "row_problem",
    "rows_are_usual",
    "zones_in",
]
