"""Phones on the command line."""

from __future__ import annotations

import sys

from campaigns.cli.exit_codes import WRONG
from campaigns.cli.output.screen import print_error
from campaigns.recipients import normalise_phone
from campaigns.wiring import default_services


def normal_phones(phones: tuple[str, ...]) -> list[str]:
    """The phones in the form in which they are stored. If any is not a phone number, prints which and exits with 2."""
    region = default_services().settings.phone_region
    normal = {phone: normalise_phone(phone, region) for phone in phones}
    if bad := [phone for phone, found in normal.items() if found is None]:
        for phone in bad:
            print_error(f"{phone}: is not a phone number")
        sys.exit(WRONG)
    return [found for found in normal.values() if found is not None]
