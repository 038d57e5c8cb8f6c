"""Recipients: phones normalised, rows checked, files read. Only `sources` and `sheets` touch a file."""

from campaigns.recipients.files import RecipientFile, read_recipients
from campaigns.recipients.lists import Listed, listed_phones
from campaigns.recipients.phones import mobile_phone, mobile_phones, normalise_phone, rows_are_usual
from campaigns.recipients.rows import BUTTON_LINK_LENGTH, link_problem, row_fields, row_problem

__all__ = [
    "BUTTON_LINK_LENGTH",
    "Listed",
    "RecipientFile",
    "link_problem",
    "listed_phones",
    "mobile_phone",
    "mobile_phones",
    "normalise_phone",
    "read_recipients",
    "row_fields",
    "row_problem",
    "rows_are_usual",
]
