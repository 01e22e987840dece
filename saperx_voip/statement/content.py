"""What a statement holds. Money is ``Decimal`` in reais with two decimals; days and
moments are local to the line's platform; all texts are in the customer's language."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import reduce

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Call:
    start: datetime
    """Naive, local."""
    number: str
    """The other party as the reader may see it."""
    place: str
    call_class: str
    is_collect: bool
    """Came in, and the line accepted to pay for it."""
    talk_seconds: int
    charged_seconds: int
    gross: Decimal
    covered: Decimal
    amount: Decimal

    @property
    def status(self) -> str:
        """``charged``, ``partly_covered``, ``covered`` or ``free``."""
        if self.amount:
            return "partly_covered" if self.covered else "charged"
        return "covered" if self.covered else "free"


@dataclass(frozen=True, slots=True)
class ClassTotal:
    call_class: str
    calls: int = 0
    talk_seconds: int = 0
    charged_seconds: int = 0
    gross: Decimal = ZERO
    covered: Decimal = ZERO
    amount: Decimal = ZERO

    def __add__(self, other: "ClassTotal") -> "ClassTotal":
        return ClassTotal(
            self.call_class,
            self.calls + other.calls,
            self.talk_seconds + other.talk_seconds,
            self.charged_seconds + other.charged_seconds,
            self.gross + other.gross,
            self.covered + other.covered,
            self.amount + other.amount,
        )


@dataclass(frozen=True, slots=True)
class AllowanceUse:
    """Quantities are texts, such as ``100 min`` or ``R$ 20,00``."""

    name: str
    own: str
    carried: str
    used: str
    used_by_others: str
    carried_away: str
    left: str


@dataclass(frozen=True, slots=True)
class Party:
    name: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A line in a cycle."""

    line: str
    plan: str
    first: date
    last: date
    """Inclusive."""
    classes: tuple[ClassTotal, ...]
    """In the order in which they are listed."""
    others: ClassTotal | None
    """What is charged without being listed, as one amount."""
    allowances: tuple[AllowanceUse, ...]
    read_calls: Callable[[str | None], Iterable[Call]]
    """The calls of a class, or all, by start."""
    note: str = ""

    @property
    def total(self) -> ClassTotal:
        every = self.classes + ((self.others,) if self.others else ())
        return reduce(ClassTotal.__add__, every, ClassTotal(""))


@dataclass(frozen=True, slots=True)
class Statement:
    provider: Party
    customer: Party
    facts: tuple[tuple[str, str], ...]
    """Label and value: contract, invoice, period."""
    sections: tuple[Section, ...]
    words: Mapping[str, str]
    """See ``saperx.statement._get_words``."""
    classes: Mapping[str, str]
    """By code, as people know them: ``LDN: national long distance``."""
    language: str = "pt_BR"
    decimal_point: str = ","
    thousands: str = "."
    date_format: str = "%d/%m/%Y"
    is_preview: bool = False
    logo: bytes | None = None
    color: str = "#374151"
    fonts: tuple[str, str] | None = None
    """Files of a TrueType font, regular and bold, to write the PDF in."""

    @property
    def total(self) -> ClassTotal:
        every = (section.total for section in self.sections)
        return reduce(ClassTotal.__add__, every, ClassTotal(""))

    def short_class(self, code: str) -> str:
        return self.classes[code].partition(":")[0]

    def period(self, section: Section) -> str:
        return self.words["period"].format(
            first=section.first.strftime(self.date_format),
            last=section.last.strftime(self.date_format),
        )

    def money(self, amount: Decimal) -> str:
        text = f"{amount:,.2f}"
        return text.translate({44: self.thousands, 46: self.decimal_point})


def clock(seconds: int) -> str:
    """``0:36``, ``12:05``, ``1:02:03``."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def minutes_of(seconds: int) -> str:
    """``205:36``: minutes and seconds, however many."""
    return f"{seconds // 60}:{seconds % 60:02}"
