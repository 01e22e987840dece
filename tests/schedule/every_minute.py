"""When tasks run a second time: every minute is asked. Shares no code with the first.

A minute of UTC runs a task if the clocks of the zone show, for the first time, a time
that fits, or if they left one out since the minute before.
"""

from datetime import UTC, timedelta

MINUTE = timedelta(minutes=1)


def runs(numbers, begin, end, zone):
    """:param numbers: sets by the name of the entry, Sunday is 0
    :param begin: naive UTC, exclusive; ``end`` is inclusive
    """
    found = []
    moment = begin.replace(second=0, microsecond=0)
    while moment <= end:
        if moment > begin and any(_fits(w, numbers) for w in _shown(moment, zone)):
            found.append(moment)
        moment += MINUTE
    return found


def _shown(moment, zone):
    """The times that the clocks show at this minute for the first time, with those
    that they jumped over to come here."""
    wall, before = _wall(moment, zone), _wall(moment - MINUTE, zone)
    if wall.fold:
        return
    walls = wall.replace(tzinfo=None), before.replace(tzinfo=None, fold=0)
    time = walls[0]
    yield time
    while time - MINUTE > walls[1]:
        time -= MINUTE
        yield time


def _wall(moment, zone):
    return moment.replace(tzinfo=UTC).astimezone(zone)


def _fits(wall, numbers):
    return (
        wall.minute in numbers["minute"]
        and wall.hour in numbers["hour"]
        and wall.day in numbers["day"]
        and wall.month in numbers["month"]
        and wall.isoweekday() % 7 in numbers["weekday"]
    )
