"""Countries of phones, and the zones that their clocks show."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from campaigns.recipients import countries_of, has_zones, zones_in

PHONES = {
    "375291234567": "BY",
    "79161234567": "RU",
    "77011234567": "KZ",
    "12125551234": "US",
    "16045551234": "CA",
    "447400123456": "GB",
    "4915112345678": "DE",
    "38344123456": "XK",
    "870773111632": "001",
}


def test_shared_codes_included() -> None:
    assert countries_of(list(PHONES)) == list(PHONES.values())


def test_as_the_library_says_of_every_country() -> None:
    examples = [
        phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    ]
    numbers = [number for number in examples if number is not None]
    texts = [f"{number.country_code}{phonenumbers.national_significant_number(number)}" for number in numbers]
    found = countries_of(texts)
    assert found == [phonenumbers.region_code_for_number(number) or "" for number in numbers]
    assert all(has_zones(country) and zones_in(country) for country in found)


def test_zones() -> None:
    assert zones_in("BY") == (ZoneInfo("Europe/Minsk"),)
    assert {zone.key for zone in zones_in("ES")} == {"Europe/Madrid", "Africa/Ceuta", "Atlantic/Canary"}
    assert zones_in("Europe/Kyiv") == (ZoneInfo("Europe/Kyiv"),)
    assert not has_zones("001")
    with pytest.raises(KeyError):
        zones_in("Europe/Nowhere")
