"""Telephone numbers in what people write."""

import phonenumbers

REGION = "BR"
# Without an area code nobody can say whose number it is.
FEWEST_DIGITS = 10


def numbers_in(text: str | None) -> frozenset[str]:
    """The numbers that a text names, in E.164 without "+".

    A text may be a telephone field, or a contract's name with numbers in it.
    """
    if not text or sum(char.isdigit() for char in text) < FEWEST_DIGITS:
        return frozenset()
    return frozenset(
        f"{found.number.country_code}{found.number.national_number}"
        for found in phonenumbers.PhoneNumberMatcher(
            text, REGION, phonenumbers.Leniency.POSSIBLE
        )
        if len(str(found.number.national_number)) >= FEWEST_DIGITS
    )
