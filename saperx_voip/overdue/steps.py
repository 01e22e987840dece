"""What comes next for an unpaid contract, and on which day."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from .calendar import Calendar


class StepKind(StrEnum):
    """In the order in which they are taken."""

    NOTICE = "notice"
    PARTIAL = "partial"
    FULL = "full"
    LAST_NOTICE = "last_notice"
    CANCEL = "cancel"


NOTICES = (StepKind.NOTICE, StepKind.LAST_NOTICE)


@dataclass(frozen=True, slots=True)
class Rules:
    """How many days a company gives.

    :param notice: days from the due date to the notice, at least 1
    :param partial: days from the notice to the partial block; None: no such step
    :param full: the same to the full block
    :param cancel: the same to the cancellation
    :param last_notice: days by which another notice precedes the cancellation; None: no
        other notice
    """

    notice: int
    partial: int | None
    full: int | None
    cancel: int | None
    last_notice: int | None

    def __post_init__(self):
        days = [d for d in (self.partial, self.full, self.cancel) if d is not None]
        if self.notice < 1 or any(day < 1 for day in days):
            raise ValueError("each step takes one day at least")
        if days != sorted(set(days)):
            raise ValueError("partial block, full block, cancellation: in this order")
        if self.last_notice is not None and self.last_notice < 1:
            raise ValueError("the last notice comes a day before the end at least")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a contract stands.

    :param due: when its oldest unpaid invoice fell due
    :param noticed: the day of the recorded notice that reached the customer, or None
    :param partial: the day of the latest partial block, or None; also once lifted
    :param full: the same of the full block
    :param last_noticed: the day of the last notice, or None
    :param level: ``"partial"`` or ``"full"`` as blocked at present, or None
    :param held_until: nothing happens until the end of this day (promise, exemption);
        ``date.max``: without end
    """

    due: date
    noticed: date | None = None
    partial: date | None = None
    full: date | None = None
    last_noticed: date | None = None
    level: str | None = None
    held_until: date | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """:param wanted: the day by the count alone, before days of rest put it off"""

    kind: StepKind
    day: date
    wanted: date | None = field(default=None, compare=False)


def may_be_taken(kind: StepKind, day: date, calendar: Calendar) -> bool:
    """Whether a step of a kind may be taken on a day: notices on working days, blocks
    and the end on days on which a service may be cut."""
    if kind in NOTICES:
        return calendar.is_working_day(day)
    return calendar.is_cutting_day(day)


def next_step(standing: Standing, rules: Rules, calendar: Calendar) -> Step | None:
    """The next step and the first day on which it may be taken, or None.

    Days count from the recorded notice. A step that was taken late moves those after
    it: between two steps there is never less time than the rules say. Notices go out on
    working days; blocks and the end come on days on which a service may be cut. A due
    date on a day of rest is that of the next working day.
    """
    kind, day = _next(standing, rules, calendar)
    if kind is None or standing.held_until == date.max:
        return None
    if standing.held_until:
        day = max(day, standing.held_until + timedelta(days=1))
    first = calendar.working_day_from if kind in NOTICES else calendar.cutting_day_from
    return Step(kind, first(day), wanted=day)


def _next(standing, rules, calendar):
    if standing.noticed is None:
        due = calendar.working_day_from(standing.due)
        return StepKind.NOTICE, _after(due, rules.notice)
    taken = "full" if standing.full else "partial" if standing.partial else None
    if taken and standing.level != taken:
        # Lifted for a while: it holds again.
        return StepKind(taken), standing.noticed
    if rules.partial is not None and not taken:
        return StepKind.PARTIAL, _after(standing.noticed, rules.partial)
    if rules.full is not None and not standing.full:
        return StepKind.FULL, _apart(standing, rules, rules.full)
    if rules.cancel is None:
        return None, None
    end = _apart(standing, rules, rules.cancel)
    if rules.last_notice is None:
        return StepKind.CANCEL, end
    if standing.last_noticed is None:
        return StepKind.LAST_NOTICE, _after(end, -rules.last_notice)
    return StepKind.CANCEL, max(end, _after(standing.last_noticed, rules.last_notice))


def _apart(standing, rules, days):
    """The day that is far enough from the notice and from each block."""
    blocks = ((standing.partial, rules.partial), (standing.full, rules.full))
    return max(
        _after(standing.noticed, days),
        *(
            _after(taken, days - since)
            for taken, since in blocks
            if taken and since is not None
        ),
        standing.noticed,
    )


def _after(day, days):
    return day + timedelta(days=days)
