"""Numbers as people and platforms write them, and the class of a call (§4, §5).

Why the order of the readings matters: Brazilian numbers are told apart by the count
of their digits and by which of the 100 two-digit codes are DDDs. ``normalise``
documents that order; the rest of this file carries it out, one function a form.
"""

import re
from collections.abc import Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from . import countries
from .const import (
    AREA_CODES,
    CALL_CLASSES,
    CARRIERS,
    COUNTRY_CODE,
    LOCAL_SINCE,
    NON_GEOGRAPHIC,
)
from .services import DEFAULT_SERVICES, Services

CACHED_NUMBERS = 65_536
"""Distinct (number, area code) kept: some 20 MB, whatever the number of calls."""

SHORTEST_ABROAD = 10
"""Digits of a country code and number, where nothing says that they are that. Fewer
are no foreign number without a prefix (8 and 9 are local), and not the rest after a
carrier code: 00 1 249 555 1234 is Canada's, not carrier 12 and 49 5551234."""

_WRITTEN = re.compile(
    r"(?:sips?:|tel:)?[( ]*(\+?)([0-9 ().\-/\u00a0\u2010-\u2015]*)", re.IGNORECASE
)
_END_OF_USER = re.compile(r"[@;>]")
_NOT_DIGITS = re.compile(r"[^0-9]")


class Number(NamedTuple):
    """A number, read."""

    digits: str
    """What rates match (§5): E.164 without "+", or as dialled nationally for a number
    without an E.164 form; as sent if it could not be read; "" if nothing is dialable.
    """
    area_code: str | None = None
    """The DDD, of Brazilian fixed and mobile numbers only."""
    kind: str = "unknown"
    """``fixed``, ``mobile``, ``international``, ``free``, ``special``, ``unknown``."""
    service_class: str | None = None
    """The call class that the table of services gives, whatever the line."""
    is_collect: bool = False
    """Dialled with 90 or 9090: the called line pays."""


NOTHING = Number("")


def normalise(
    dialled: str,
    area_code: str | None,
    services: Services = DEFAULT_SERVICES,
    carriers: Collection[str] = CARRIERS,
) -> Number:
    """Read a number in any form of §4. Never raises on a string.

    Separators are dropped, and of a ``sip:`` or ``tel:`` address all but the user: the
    scheme, host and parameters, and a name before ``<``. Text with anything else in it
    ("anonymous", "*98") has no digits. Then the first reading that fits is taken:

    1. ``+``: country code and number, nothing else. ``+55`` also goes before numbers
       without an E.164 form (``+55 800…``, ``+55 4004…``).
    2. ``00``: international, with the carrier code that Brazilian dialling asks for
       or without it. A country's code and the length of its numbers decide whether
       two digits in ``carriers`` are one. Where both readings fit, it is a carrier,
       unless the rest is short (``SHORTEST_ABROAD``). Where neither, it is none.
    3. ``0``: national. 8, 9 digits: local (an exchange's outside line); 9, 10 digits
       after 300, 303, 500, 800, 900: non-geographic; 10, 11: DDD and number; 12, 13:
       any carrier code, DDD and number. Only ``0900`` and six digits fit two of these
       (a mobile number), and are 0900: 30, 50, 80 and 90 are no DDDs. Up to 5 digits:
       a short number.
    4. ``9090`` and 8 or 9 digits: local collect. ``90`` and 10 to 13 digits, as after
       ``0``: collect. (90 is no DDD; a bare Turkish ``90…`` that fits is read so.)
    5. No prefix. Short: services, else any 1XX, else unknown (an extension). 8 digits:
       a nationwide service (400X, 3003), else fixed. 9: mobile (``900…`` too), else
       non-geographic. Local ones are completed with ``area_code``; without one they
       stay unknown. 10, 11: DDD and number, so ``55991234567`` is Santa Maria's;
       else non-geographic. 55 and any of these but a local number: with DDI (before a
       short number only if it is listed).
    6. International without any prefix, if a country's numbers have this length and
       it is ten digits at least. A national reading always comes before.
    7. Unknown.

    A nationwide number written with a DDD (``11 4004…``) is geographic: it reaches that
    DDD's, and numbers such as (19) 4009-XXXX are ordinary ones. Mobile numbers of eight
    digits are not completed: no DDD has had them since the end of 2016. Trunking (eight
    digits, the first a 7) stays as it is.

    :param dialled: as the platform sent it
    :param area_code: DDD of the line that calls or is called; anything that is not one
        counts as None
    :param services: service numbers and their classes
    :param carriers: carrier codes looked for after ``00``; empty for a platform that
        sends none
    """
    return _normalise(dialled, area_code, services, frozenset(carriers))


@lru_cache(maxsize=CACHED_NUMBERS)
def _normalise(
    dialled: str, area_code: str | None, services: Services, carriers: frozenset[str]
) -> Number:
    if dialled.isascii() and dialled.isdigit():
        digits, plus = dialled, False
    else:
        digits, plus = _clean(dialled)
    if not digits:
        return NOTHING
    area = area_code if area_code in AREA_CODES else None
    if plus:
        number = _international(digits, services)
    elif digits.startswith("00"):
        number = _dialled_abroad(digits[2:], services, carriers)
    elif digits[0] == "0":
        number = _national(digits[1:], area, services)
    else:
        number = _collect(digits, area, services) or _bare(digits, area, services)
    return number or Number(digits)


def _clean(dialled: str) -> tuple[str, bool]:
    """Digits, and whether "+" stood before them; no digits if it is no number."""
    address = dialled.rpartition("<")[2]  # "Maria" <sip:…>
    user = _END_OF_USER.split(address.strip(), maxsplit=1)[0]
    written = _WRITTEN.fullmatch(user)
    if written is None:
        return "", False
    digits = _NOT_DIGITS.sub("", written[2])
    # No country code begins with 0: "+0800…" is a "+" too many.
    return digits, bool(written[1]) and not digits.startswith("0")


def _geographic(digits: str, services: Services) -> Number | None:
    """DDD and number: 10 digits, fixed or trunking; 11 digits, mobile."""
    area = digits[:2]
    if area not in AREA_CODES:
        return None
    length, first = len(digits), digits[2:3]
    if length == 11 and first == "9":
        kind = "mobile"
    elif length == 10 and first in "2345":
        kind = "fixed"
    elif length == 10 and first == "7":
        kind = "mobile"
    else:
        return None
    e164 = COUNTRY_CODE + digits
    service_class = services.exact(e164)
    if service_class:
        return _service(e164, service_class, area)
    return Number(e164, area, kind)


def _non_geographic(digits: str, services: Services) -> Number | None:
    """0800 and its like without their 0: seven digits after it, six in old ones."""
    if len(digits) in (9, 10) and digits[:3] in NON_GEOGRAPHIC:
        return _service("0" + digits, services.find("0" + digits) or "special")
    return None


def _short(digits: str, services: Services) -> Number | None:
    """190, 1331, 10331: what is listed, else any 1XX.

    A listed prefix counts for 1XXX and 1XXXX only: 4001 is somebody's extension.
    """
    if len(digits) > 6:
        return None
    service_class = services.exact(digits)
    if service_class is None and digits[:1] == "1":
        if len(digits) == 3:
            service_class = services.find(digits) or "special"
        elif len(digits) in (4, 5):
            service_class = services.find(digits)
    return _service(digits, service_class) if service_class else None


def _nationwide(digits: str, services: Services) -> Number | None:
    """4004-XXXX, and any listed number of the length of a local one."""
    if len(digits) == 8 and (service_class := services.find(digits)):
        return _service(digits, service_class)
    return None


def _service(digits: str, service_class: str, area: str | None = None) -> Number:
    kind = "free" if service_class == "free" else "special"
    return Number(digits, area, kind, service_class)


def _without_local(digits: str, services: Services) -> Number | None:
    """A Brazilian number that needs no area code of the line."""
    length = len(digits)
    if length in (10, 11) and (number := _geographic(digits, services)):
        return number
    return _non_geographic(digits, services) or _short(digits, services)


def _local(digits: str, area: str | None, services: Services) -> Number | None:
    """8 or 9 digits, completed with the line's area code."""
    if len(digits) not in (8, 9):
        return None
    if number := _nationwide(digits, services):
        return number
    return _geographic(area + digits, services) if area else None


def _national(digits: str, area: str | None, services: Services) -> Number | None:
    """What follows ``0`` or ``90``: with or without a carrier code."""
    if len(digits) in (12, 13):
        return _geographic(digits[2:], services)
    # 0900 before a mobile number of nine digits that begins so.
    return (
        _non_geographic(digits, services)
        or _local(digits, area, services)
        or _without_local(digits, services)
    )


def _collect(digits: str, area: str | None, services: Services) -> Number | None:
    if not digits.startswith("90") or not 12 <= len(digits) <= 15:
        return None
    if digits.startswith("9090") and len(digits) <= 13:
        number = _local(digits[4:], area, services)
        # Without an area code it stays unknown, but collect it is.
        number = number or Number(digits[4:])
    else:
        number = _national(digits[2:], area, services)
    return number and number._replace(is_collect=True)


def _bare(digits: str, area: str | None, services: Services) -> Number | None:
    """No prefix at all."""
    length = len(digits)
    if length in (8, 9):
        number = _local(digits, area, services)
        # Without an area code a mobile number is not 0900's for that.
        if number is None and digits[0] != "9":
            number = _non_geographic(digits, services)
    else:
        number = _without_local(digits, services)
    if number is None and digits.startswith(COUNTRY_CODE):
        rest = digits[2:]
        # 55190 is a listed service with DDI, or an extension: only what is listed.
        if length > 8 or services.exact(rest):
            number = _with_country_code(rest, services)
    if number is None and length >= SHORTEST_ABROAD and countries.is_plausible(digits):
        number = _foreign(digits, services)
    return number


def _with_country_code(digits: str, services: Services) -> Number | None:
    """What follows 55. A national 0 after it, as in +55 (0)11, is dropped."""
    digits = digits.removeprefix("0")
    if len(digits) in (12, 13):
        return _geographic(digits[2:], services)
    return _without_local(digits, services) or _nationwide(digits, services)


def _international(digits: str, services: Services) -> Number | None:
    """E.164: country code first."""
    if digits.startswith(COUNTRY_CODE):
        return _with_country_code(digits[2:], services)
    return _foreign(digits, services)


def _foreign(digits: str, services: Services) -> Number | None:
    if digits.startswith(COUNTRY_CODE) or not 7 <= len(digits) <= 15:
        return None
    if countries.country_code(digits) is None:
        return None
    if service_class := services.exact(digits):
        return _service(digits, service_class)
    return Number(digits, None, "international")


def _dialled_abroad(
    digits: str, services: Services, carriers: frozenset[str]
) -> Number | None:
    """What follows ``00``."""
    plain = _abroad(digits, services)
    if digits[:2] not in carriers:
        return plain or _international(digits, services)
    after_carrier = _abroad(digits[2:], services)
    if after_carrier and plain and len(digits) - 2 < SHORTEST_ABROAD:
        return plain
    return after_carrier or plain or _international(digits, services)


def _abroad(digits: str, services: Services) -> Number | None:
    """E.164 that fits the numbers of its country."""
    if digits.startswith(COUNTRY_CODE):
        return _with_country_code(digits[2:], services)
    return _foreign(digits, services) if countries.is_plausible(digits) else None


def can_be_service(digits: str, *, is_prefix: bool) -> bool:
    """Whether a number that is listed in ``Services`` like this is ever found.

    Not, for example, ``1133334444``, which is found in E.164 only; nor ``0800`` unless
    as a prefix. A prefix has three digits at least, since two begin half a town's
    numbers, and is not ``55…``: none stands for numbers in E.164.
    """
    if not (digits.isascii() and digits.isdigit()):
        return False
    if not is_prefix:
        number = normalise(digits, None, Services({digits: "free"}))
        return number.digits == digits and number.service_class == "free"
    if len(digits) < 3 or digits.startswith(COUNTRY_CODE):
        return False
    services = Services({digits + "*": "free"})
    examples = (digits.ljust(length, "0") for length in (3, 4, 5, 8, 10, 11))
    return any(
        normalise(example, None, services) == Number(example, None, "free", "free")
        for example in examples
    )


def classify(
    number: Number,
    *,
    area_code: str | None,
    internal: bool = False,
    on: date | None = None,
    local_since: Mapping[str, date] | None = None,
) -> str:
    """The class that we compute for a call from a fixed line (§4).

    Fixed to fixed inside one DDD is ``lc`` whatever the date: before the DDD's date
    only the platform knows the old local areas, so ``on`` and ``local_since`` change
    nothing here. They are taken so that both class functions are asked alike; see
    ``rule_class``.

    :param area_code: DDD of the line's main number; None makes a Brazilian fixed or
        mobile call ``unknown``
    :param internal: the platform says so; a free number stays ``free``
    :return: one of ``const.CALL_CLASSES``
    """
    if number.service_class == "free":
        return "free"
    if internal:
        return "internal"
    if number.service_class:
        return number.service_class
    kind = number.kind
    if kind == "international":
        return "ldi"
    if kind == "unknown" or area_code not in AREA_CODES:
        return "unknown"
    area = number.area_code or ""
    if kind == "fixed":
        return "lc" if area == area_code else "ldn"
    if area == area_code:
        return "vc1"
    return "vc2" if area[:1] == area_code[:1] else "vc3"


def rule_class(
    platform_class: str | None,
    own_class: str,
    number: Number,
    *,
    area_code: str | None,
    on: date | None = None,
    local_since: Mapping[str, date] | None = None,
) -> str:
    """The class that rules a call: the platform's, with two exceptions (§4).

    :param platform_class: in our own codes; None, ``unknown`` or anything else that
        is not a class: ours rules
    :param own_class: what ``classify`` says
    :param area_code: DDD of the line's main number
    :param on: the call's local date; None is today or later
    :param local_since: DDD to the day from which it is one local area; None takes
        Anatel's steps (``const.LOCAL_SINCE``); a DDD that is missing always was
    """
    if own_class == "free":
        return "free"
    if platform_class not in CALL_CLASSES or platform_class == "unknown":
        return own_class
    if platform_class == "ldn" and _is_local_call(number, area_code):
        steps = LOCAL_SINCE if local_since is None else local_since
        since = steps.get(area_code or "")
        if on is None or since is None or on >= since:
            return "lc"
    return platform_class


def _is_local_call(number: Number, area_code: str | None) -> bool:
    """Fixed to fixed inside one DDD."""
    return number.kind == "fixed" and number.area_code == area_code
