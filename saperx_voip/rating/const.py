"""Tables of Brazilian telephony that the rating core works with.

Facts are Anatel's, as public pages give them (numbering: Resolução 749/2022). What a
manager may edit is only the default here: the functions take a replacement.
"""

from collections.abc import Mapping
from datetime import date


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


COUNTRY_CODE = "55"

AREA_CODES = frozenset(
    _words("""
    11 12 13 14 15 16 17 18 19  21 22 24 27 28  31 32 33 34 35 37 38
    41 42 43 44 45 46 47 48 49  51 53 54 55     61 62 63 64 65 66 67 68 69
    71 73 74 75 77 79           81 82 83 84 85 86 87 88 89
    91 92 93 94 95 96 97 98 99
    """)
)
"""The 67 DDDs."""

CARRIERS = frozenset(_words("12 14 15 17 21 25 31 41 43"))
"""Carrier codes (CSP) that are looked for after ``00``. After ``0`` and ``90`` the
count of digits tells whether there is one, and any two digits are taken."""

NON_GEOGRAPHIC = frozenset(_words("300 303 500 800 900"))
"""Series that follow the national prefix: 0300, 0303, 0500, 0800, 0900."""

CALL_CLASSES = (
    "lc",  # local
    "ldn",  # national long distance
    "ldi",  # international
    "vc1",  # mobile, same DDD
    "vc2",  # mobile, same first digit of the DDD
    "vc3",  # mobile, other first digit
    "free",  # 0800, emergency
    "special",  # 0300, 400X, other services
    "internal",  # because the platform says so
    "unknown",
)

SERVICE_CLASSES: Mapping[str, str] = {
    # Emergency and public services that cost the caller nothing.
    **dict.fromkeys(
        _words("""
        100 112 125 128 136 151 152 153 156 180 181 185 188
        190 191 192 193 194 197 198 199 911 1331 1332
        """),
        "free",
    ),
    "0800*": "free",
    # Public services whose calls may be charged.
    **dict.fromkeys(
        _words("""
        102 115 116 117 118 127 129 130 132 134 135 142 145 146 148
        150 154 155 157 158 159 162 166 167
        """),
        "special",
    ),
    **dict.fromkeys(_words("0300* 0303* 0500* 0900*"), "special"),
    # One number for the whole country, dialled without DDD, charged as local.
    **dict.fromkeys(_words("400* 4020* 3003* 3004*"), "special"),
    # Customer service of carriers and providers: 10331, 10525, 1056, 10610.
    **dict.fromkeys(_words("103* 105* 106*"), "special"),
}
"""Service numbers and their class; a key that ends in ``*`` is a prefix. The same as
``data/saperx_service_number.xml``, where they have names and a manager edits them."""

_LOCAL_SINCE_STEPS = {
    date(2026, 1, 11): "71 73 74 75 77 79",
    date(2026, 2, 1): "91 92 93 94 95 96 97 98 99",
    date(2026, 2, 22): "81 82 83 84 85 86 87 88 89",
    date(2026, 3, 15): "51 53 54 55",
    date(2026, 3, 29): "41 42 43 44 45 46 47 48 49",
    date(2026, 4, 19): "31 32 33 34 35 37 38",
    date(2026, 5, 10): "21 22 24 27 28",
    date(2026, 5, 31): "61 62 63 64 65 66 67 68 69",
    date(2026, 6, 21): "11 12 13 14 15 16 17 18 19",
}

LOCAL_SINCE: Mapping[str, date] = {
    area_code: day
    for day, area_codes in _LOCAL_SINCE_STEPS.items()
    for area_code in area_codes.split()
}
"""From when on a whole DDD is one local area (Resolução 768/2024, nine steps). The
same as ``data/saperx_area_code.xml``, where a manager edits it."""
