"""The rules: from the latest calls of one line to what looks like fraud."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from .records import Finding, Habit, Limits, SeenCall

HOUR = timedelta(hours=1)
RULES = ("hour", "day", "country", "simultaneous", "habit")


def find(
    calls: Iterable[SeenCall], limits: Limits, zone: ZoneInfo, habit: Habit | None
) -> list[Finding]:
    """At most one finding a rule, in the order of ``RULES``.

    :param calls: of one line, in any order, each once
    :param zone: in which days and hours of the day are those of the line
    :param habit: None where none is known: nothing is far above it then
    """
    ordered = sorted(calls, key=lambda call: (call.start, call.end))
    found = (
        _hour(ordered, limits),
        _day(ordered, limits, zone),
        _country(ordered, limits),
        _simultaneous(ordered, limits),
        _habit(ordered, limits, zone, habit),
    )
    return [finding for finding in found if finding]


def _finding(rule, figure, limit, calls) -> Finding:
    return Finding(rule, Decimal(figure), Decimal(limit), _sum(calls), tuple(calls))


def _sum(calls) -> Decimal:
    return sum((call.amount for call in calls), Decimal(0))


def _hour(calls: list[SeenCall], limits: Limits) -> Finding | None:
    """Whatever sixty minutes: a burst over the full hour is not two halves."""
    if limits.hour_amount is None:
        return None
    first, total, most = 0, Decimal(0), Decimal(0)
    guilty: set[int] = set()
    for last, call in enumerate(calls):
        total += call.amount
        while calls[first].start <= call.start - HOUR:
            total -= calls[first].amount
            first += 1
        if total > limits.hour_amount:
            most = max(most, total)
            guilty.update(range(first, last + 1))
    if not guilty:
        return None
    return _finding(
        "hour", most, limits.hour_amount, [calls[n] for n in sorted(guilty)]
    )


def _day(calls: list[SeenCall], limits: Limits, zone: ZoneInfo) -> Finding | None:
    if limits.day_amount is None:
        return None
    limit = limits.day_amount
    return _worst(
        "day", calls, lambda start: _local(start, zone).date(), lambda _day: limit
    )


def _country(calls: list[SeenCall], limits: Limits) -> Finding | None:
    if not limits.countries:
        return None
    guilty = [
        call
        for call in calls
        if call.country is not None and call.country not in limits.countries
    ]
    return _finding("country", len(guilty), 0, guilty) if guilty else None


def _simultaneous(calls: list[SeenCall], limits: Limits) -> Finding | None:
    """A line that speaks long with many at once is no person.

    A call that begins in the second in which another ends is not beside it.
    """
    if limits.long_calls is None:
        return None
    shortest = timedelta(seconds=limits.long_seconds)
    beside: deque[SeenCall] = deque()
    most, guilty = 0, {}
    for call in calls:
        if call.end - call.start < shortest or call.end == call.start:
            continue
        beside = deque(other for other in beside if other.end > call.start)
        beside.append(call)
        if len(beside) >= limits.long_calls:
            most = max(most, len(beside))
            guilty.update((other.key, other) for other in beside)
    if not guilty:
        return None
    ordered = sorted(guilty.values(), key=lambda call: (call.start, call.end))
    return _finding("simultaneous", most, limits.long_calls, ordered)


def _habit(
    calls: list[SeenCall], limits: Limits, zone: ZoneInfo, habit: Habit | None
) -> Finding | None:
    """An hour against the same hour of other days, a day against the same weekday."""
    if limits.habit_factor is None or habit is None:
        return None

    def bound(usual: Decimal) -> Decimal:
        return max(usual * limits.habit_factor, limits.habit_floor)

    def hour_of(start: datetime) -> datetime:
        return _local(start, zone).replace(minute=0, second=0, microsecond=0)

    return _worst(
        "habit", calls, hour_of, lambda hour: bound(habit.by_hour[hour.hour])
    ) or _worst(
        "habit",
        calls,
        lambda start: _local(start, zone).date(),
        lambda day: bound(habit.by_weekday[day.weekday()]),
    )


def _worst(rule: str, calls: list[SeenCall], part_of: Callable, limit_of: Callable):
    """The part of time that went furthest beyond its limit; the calls of all that did.

    :param part_of: from a start to the part of time that it lies in
    :param limit_of: from a part of time to the reais that it may have
    """
    parts: dict[object, list[SeenCall]] = defaultdict(list)
    for call in calls:
        parts[part_of(call.start)].append(call)
    beyond = {
        part: (_sum(inside), limit_of(part))
        for part, inside in parts.items()
        if _sum(inside) > limit_of(part)
    }
    if not beyond:
        return None
    figure, limit = max(beyond.values(), key=lambda found: found[0] - found[1])
    guilty = [call for part in beyond for call in parts[part]]
    return _finding(rule, figure, limit, guilty)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(zone)
