"""City and state of a telephone number, from the metadata of ``phonenumbers``."""

import re
from functools import lru_cache

# As that metadata writes them.
STATES = {
    "Acre": "AC", "Alagoas": "AL", "Amapá": "AP", "Amazonas": "AM", "Bahia": "BA",
    "Ceará": "CE", "Distrito Federal": "DF", "Espirito Santo": "ES", "Goiás": "GO",
    "Maranhão": "MA", "Mato Grosso": "MT", "Mato Grosso do Sul": "MS",
    "Minas Gerais": "MG", "Pará": "PA", "Paraiba": "PB", "Paraná": "PR",
    "Pernambuco": "PE", "Piauí": "PI", "Rio de Janeiro": "RJ",
    "Rio Grande do Norte": "RN", "Rio Grande do Sul": "RS", "Rondônia": "RO",
    "Roraima": "RR", "Santa Catarina": "SC", "São Paulo": "SP", "Sergipe": "SE",
    "Tocantins": "TO",
}  # fmt: skip

_CITY_AND_STATE = re.compile(r"(.+) - ([A-Z]{2})")


@lru_cache(maxsize=4096)
def place_of(number):
    """Where a number belongs.

    :param str number: E.164 without "+"
    :return: (city, state's two letters), each None where it is not known: a mobile
        number has no city
    """
    # Its tables are large: only processes that ask pay for them.
    import phonenumbers
    from phonenumbers import geocoder

    try:
        parsed = phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return None, None
    description = geocoder.description_for_number(parsed, "pt")
    if parsed.country_code != 55:
        return description or None, None
    if match := _CITY_AND_STATE.fullmatch(description):
        return match[1], match[2]
    state_code = STATES.get(description)
    return None if state_code else description or None, state_code


@lru_cache(maxsize=4096)
def country_of(number):
    """The country that a number belongs to: +1 876 is Jamaica's, not the USA's.

    :param str number: E.164 without "+"
    :return: ISO code of two letters, or None: of no country (satellites), or unknown
    """
    import phonenumbers

    try:
        parsed = phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(parsed)
    if region is None:
        # A number of no valid length still has its country code, if one country alone
        # has that.
        regions = phonenumbers.region_codes_for_country_code(parsed.country_code)
        region = regions[0] if len(regions) == 1 else None
    return None if region == "001" else region
