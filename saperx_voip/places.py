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
