# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

"""The five entries of the guide's *Agenda de tarefas*, as a person types them."""

import re
from dataclasses import dataclass
from enum import Enum

EVERY = "*"
EVERY_WORDS = frozenset({EVERY, "todos", "todas", "all"})
_SEPARATOR = re.compile(r"[,;]")
_PART = re.compile(r"(\d{1,4})(?:\s*[-–]\s*(\d{1,4}))?", re.ASCII)


class Problem(Enum):
    """What is wrong with an entry. The words are for whoever speaks to people."""

    EMPTY = "empty"
    UNREADABLE = "unreadable"
    OUT_OF_RANGE = "out_of_range"
    BACKWARDS = "backwards"
    NEVER = "never"


class Misentry(ValueError):
    """An entry cannot be taken.

    :param part: what of its text; of ``NEVER``: nothing
    """

    def __init__(self, entry: "Entry", problem: Problem, part: str = ""):
        super().__init__(f"{entry.name}: {problem.value} {part!r}")
        self.entry = entry
        self.problem = problem
        self.part = part


@dataclass(frozen=True)
class Entry:
    """One of the five, with the least and the greatest number that it takes."""

    name: str
    least: int
    greatest: int

    @property
    def every(self) -> frozenset[int]:
        return self.parse(EVERY)

    def parse(self, text: str | None) -> frozenset[int]:
        """The numbers that a text names: "7", "1,15", "1-5, 20", "Todos".

        :raise Misentry: naming the part that is wrong
        """
        numbers = set()
        for first, last in self._read_parts(text):
            numbers.update(range(first, last + 1))
        return frozenset(self._fold(number) for number in numbers)

    def tidy(self, text: str | None) -> str:
        """The text as it is kept: one spelling for each way of saying it.

        :raise Misentry: naming the part that is wrong
        """
        parts = self._read_parts(text)
        if self.parse(text) == self.every:
            return EVERY
        return ",".join(
            str(first) if first == last else f"{first}-{last}" for first, last in parts
        )

    def _read_parts(self, text: str | None) -> list[tuple[int, int]]:
        """Pairs of first and last number."""
        words = [word.strip() for word in _SEPARATOR.split(text or "")]
        if not any(words):
            raise Misentry(self, Problem.EMPTY)
        if not all(words):
            raise Misentry(self, Problem.UNREADABLE, text.strip())
        return [self._read_part(word) for word in words]

    def _read_part(self, word: str) -> tuple[int, int]:
        if word.casefold() in EVERY_WORDS:
            return self.least, self.greatest
        match = _PART.fullmatch(word)
        if not match:
            raise Misentry(self, Problem.UNREADABLE, word)
        first = int(match[1])
        last = int(match[2] or match[1])
        for number in (first, last):
            if not self.least <= number <= self.greatest:
                raise Misentry(self, Problem.OUT_OF_RANGE, str(number))
        if last < first:
            raise Misentry(self, Problem.BACKWARDS, word)
        return first, last

    def _fold(self, number: int) -> int:
        return number


class _Weekday(Entry):
    """Monday is 1; Sunday is 0 or 7."""

    def _fold(self, number: int) -> int:
        return number % 7


MINUTE = Entry("minute", 0, 59)
HOUR = Entry("hour", 0, 23)
DAY = Entry("day", 1, 31)
MONTH = Entry("month", 1, 12)
WEEKDAY = _Weekday("weekday", 0, 7)
ENTRIES = {entry.name: entry for entry in (MINUTE, HOUR, DAY, MONTH, WEEKDAY)}


def tidied(entries: dict[str, str | None]) -> dict[str, str]:
    """Texts by the name of their entry, as they are kept.

    :raise Misentry: if one of them cannot be taken
    """
    return {name: ENTRIES[name].tidy(text) for name, text in entries.items()}
