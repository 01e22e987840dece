"""From a decoded call to everything that we say of it: holder, class, price."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .const import LOCAL_SINCE
from .cycle import bounds_utc, cycle_of, local_date
from .holding import Directory, Holding
from .numbering import classify, normalise, rule_class
from .services import DEFAULT_SERVICES, Services
from .tariff import Rate, Rated, Tariff, find_price, rate_by

REMEMBERED_RULINGS = 16_384

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


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """What is said alike of many calls, whatever their digits and their length."""

    own_class: str
    call_class: str
    price: Rate | Rated | None
    """As ``find_price`` gives it."""


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
        self._timezone = timezone
        self._charge_from = charge_from
        self._line_charge_from = line_charge_from or {}
        self._services = services
        self._local_since = local_since
        self._use(tariffs)

    def _use(self, tariffs):
        self._tariffs = tariffs
        self._prefix_length = max(
            (t.prefix_length for t in tariffs.values()), default=0
        )
        self._turning_days = sorted(
            {*self._local_since.values()}.union(
                *(tariff.turning_days for tariff in tariffs.values())
            )
        )
        self._day = datetime.max, datetime.min, date.min, 0, {}
        self._rulings: dict[tuple, Ruling] = {}

    def under(self, tariff: Tariff) -> "Assessor":
        """What the same calls would be, were every line under this tariff."""
        return self.of(self._directory.under(tariff.id), {tariff.id: tariff})

    def held(
        self, holdings: Iterable[Holding], tariffs: Mapping[int, Tariff]
    ) -> "Assessor":
        """What the same calls would be, were the lines held otherwise."""
        return self.of(self._directory.held(holdings), tariffs)

    def of(self, directory: Directory, tariffs: Mapping[int, Tariff]) -> "Assessor":
        """The same rules for other lines and tariffs."""
        other = copy(self)
        other._directory = directory
        other._use(tariffs)
        return other

    def assess(self, fact: Fact) -> Assessment:
        holding, digits, ruling, cycle_end, rated = self.assess_values(*fact)
        own_class, call_class = ruling.own_class, ruling.call_class
        return Assessment(holding, digits, own_class, call_class, cycle_end, rated)

    def assess_values(
        self,
        line_remote_id,
        account_code,
        direction,
        is_collect,
        answered,
        caller,
        callee,
        start,
        talk_seconds,
        platform_class,
        platform_amount,
        platform_seconds,
    ) -> tuple[Holding | None, str, Ruling, date | None, Rated]:
        """The same of what a ``Fact`` holds, as what an ``Assessment`` holds, with a
        ``Ruling`` for both classes: for calls that come by the million."""
        own, other = (caller, callee) if direction == "outgoing" else (callee, caller)
        directory = self._directory
        holding, area_code = directory.find_caller(line_remote_id, account_code, start)
        if area_code is None:
            # Only where it is needed: most calls name their line.
            own_number = normalise(own, None, self._services)
            if holding is None:
                holding = directory.find_by_number(own_number.digits, start)
                area_code = holding and directory.area_code(holding.line_id, start)
            area_code = area_code or own_number.area_code
        number = normalise(other, area_code, self._services)
        since, until, day, era, cycle_ends = self._day
        if not since <= start < until:
            day, era, cycle_ends = self._remember_day(start)
        digits = number.digits
        # All that rules: of the number no more digits than a tariff looks at, of the
        # day no more than between which of the turning days it lies.
        key = (
            number[1:],
            digits[: self._prefix_length],
            area_code,
            platform_class,
            era,
            direction,
            is_collect,
            answered,
            holding and holding.tariff_id,
            holding and holding.prepaid,
        )
        ruling = self._rulings.get(key)
        if ruling is None:
            ruling = self._rule(number, day, key)
        if holding is None:
            return None, digits, ruling, None, NOT_MATCHED
        charge_from = self._line_charge_from.get(holding.line_id, self._charge_from)
        if charge_from and start < charge_from:
            rated = PREVIOUS_SYSTEM
        else:
            rated = rate_by(
                ruling.price, talk_seconds, platform_amount, platform_seconds
            )
        closing_day = holding.closing_day
        cycle_end = cycle_ends.get(closing_day)
        if cycle_end is None:
            cycle_end = cycle_ends[closing_day] = cycle_of(day, closing_day)[1]
        return holding, digits, ruling, cycle_end, rated

    def _remember_day(self, start) -> tuple[date, int, dict[int, date]]:
        """The local day of a call, between which of the turning days it lies, and the
        ends of its cycles by closing day; the next one mostly began on the same."""
        day = local_date(start, self._timezone)
        found = day, bisect_right(self._turning_days, day), {}
        self._day = *bounds_utc(day, day, self._timezone), *found
        return found

    def _rule(self, number, day, key) -> Ruling:
        _sort, _beginning, area_code, platform_class, _era, *rest = key
        direction, is_collect, answered, tariff_id, prepaid = rest
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
        price = find_price(
            self._tariffs.get(tariff_id),
            prepaid=bool(prepaid),
            direction=direction,
            answered=answered,
            is_collect=is_collect,
            call_class=call_class,
            digits=number.digits,
            local_date=day,
        )
        if len(self._rulings) >= REMEMBERED_RULINGS:
            self._rulings.clear()
        ruling = self._rulings[key] = Ruling(own_class, call_class, price)
        return ruling
