"""From a decoded call to everything that we say of it: holder, class, price."""

from collections.abc import Iterable, Mapping
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .const import LOCAL_SINCE
from .cycle import bounds_utc, cycle_of, local_date
from .holding import Directory, Holding
from .numbering import classify, normalise, rule_class
from .services import DEFAULT_SERVICES, Services
from .tariff import Rated, Tariff, rate_call

REMEMBERED_CLASSES = 16_384

NOT_MATCHED = Rated("unmatched", None, None, 0, Decimal(0))
PREVIOUS_SYSTEM = Rated("not_chargeable", "previous_system", None, 0, Decimal(0))


# One of each for every call: tuples are made several times as fast as dataclasses.


class Fact(NamedTuple):
    """What the platform says of a call, as far as it matters here. Naive UTC."""

    line_remote_id: int | None
    account_code: str | None
    direction: str
    is_collect: bool
    answered: bool
    caller: str
    callee: str
    start: datetime
    talk_seconds: int
    platform_class: str | None
    """One of our class codes, or None where the platform's is not known."""
    platform_amount: Decimal | None
    platform_seconds: int | None


class Assessment(NamedTuple):
    holding: Holding | None
    other_party: str
    """The digits that rates match."""
    own_class: str
    call_class: str
    """The class that rules."""
    cycle_end: date | None
    rated: Rated


class Assessor:
    """Assesses calls of one integration. Reads nothing: all is given beforehand.

    :param tariffs: tariff id to tariff
    :param charge_from: calls that began earlier were charged elsewhere (naive UTC)
    :param line_charge_from: the same by line id, where a line has its own
    :param services: service numbers and their classes
    :param local_since: as ``rule_class`` takes it
    """

    def __init__(
        self,
        directory: Directory,
        tariffs: Mapping[int, Tariff],
        timezone: ZoneInfo,
        charge_from: datetime | None = None,
        line_charge_from: Mapping[int, datetime] | None = None,
        *,
        services: Services = DEFAULT_SERVICES,
        local_since: Mapping[str, date] = LOCAL_SINCE,
    ):
        self._directory = directory
        self._tariffs = tariffs
        self._timezone = timezone
        self._charge_from = charge_from
        self._line_charge_from = line_charge_from or {}
        self._services = services
        self._local_since = local_since
        self._day = datetime.max, datetime.min, date.min
        # Shared with those that are made of this one: it depends on nothing else.
        self._classes: dict[tuple, tuple[str, str]] = {}

    def under(self, tariff: Tariff) -> "Assessor":
        """What the same calls would be, were every line under this tariff."""
        other = copy(self)
        other._directory = self._directory.under(tariff.id)
        other._tariffs = {tariff.id: tariff}
        return other

    def held(
        self, holdings: Iterable[Holding], tariffs: Mapping[int, Tariff]
    ) -> "Assessor":
        """What the same calls would be, were the lines held otherwise."""
        return self.of(self._directory.held(holdings), tariffs)

    def of(self, directory: Directory, tariffs: Mapping[int, Tariff]) -> "Assessor":
        """The same rules for other lines and tariffs."""
        other = copy(self)
        other._directory = directory
        other._tariffs = tariffs
        return other

    def assess(self, fact: Fact) -> Assessment:
        outgoing = fact.direction == "outgoing"
        own, other = (
            (fact.caller, fact.callee) if outgoing else (fact.callee, fact.caller)
        )
        directory, start = self._directory, fact.start
        holding, area_code = directory.find_caller(
            fact.line_remote_id, fact.account_code, start
        )
        if area_code is None:
            # Only where it is needed: most calls name their line.
            own_number = normalise(own, None, self._services)
            if holding is None:
                holding = directory.find_by_number(own_number.digits, start)
                area_code = holding and directory.area_code(holding.line_id, start)
            area_code = area_code or own_number.area_code
        number = normalise(other, area_code, self._services)
        since, until, day = self._day
        if not since <= start < until:
            day = self._remember_day(start)
        # Of the number, all but its digits.
        key = number[1:], area_code, fact.platform_class, day
        classes = self._classes.get(key)
        if classes is None:
            classes = self._classify(number, *key[1:])
            if len(self._classes) >= REMEMBERED_CLASSES:
                self._classes.clear()
            self._classes[key] = classes
        own_class, call_class = classes
        return Assessment(
            holding,
            number.digits,
            own_class,
            call_class,
            cycle_of(day, holding.closing_day)[1] if holding else None,
            self._rate(fact, holding, number.digits, call_class, day),
        )

    def _remember_day(self, start) -> date:
        """The local day of a call; the next one mostly began on the same."""
        day = local_date(start, self._timezone)
        self._day = *bounds_utc(day, day, self._timezone), day
        return day

    def _classify(self, number, area_code, platform_class, day) -> tuple[str, str]:
        """:return: our class of a call, and the one that rules"""
        internal = platform_class == "internal"
        own_class = classify(number, area_code=area_code, internal=internal, on=day)
        call_class = rule_class(
            platform_class,
            own_class,
            number,
            area_code=area_code,
            on=day,
            local_since=self._local_since,
        )
        return own_class, call_class

    def _rate(self, fact, holding, digits, call_class, day) -> Rated:
        if holding is None:
            return NOT_MATCHED
        charge_from = self._line_charge_from.get(holding.line_id, self._charge_from)
        if charge_from and fact.start < charge_from:
            return PREVIOUS_SYSTEM
        return rate_call(
            self._tariffs.get(holding.tariff_id),
            prepaid=holding.prepaid,
            direction=fact.direction,
            answered=fact.answered,
            is_collect=fact.is_collect,
            call_class=call_class,
            digits=digits,
            talk_seconds=fact.talk_seconds,
            local_date=day,
            platform_amount=fact.platform_amount,
            platform_seconds=fact.platform_seconds,
        )
