"""What the addon and a platform talk about, in the project's own words.

No wire name stands here: ``wire.py`` translates. All records are immutable, so
that a snapshot handed to another thread cannot change under it.
"""

import enum
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec


class LineStatus(enum.StrEnum):
    """State of a line on the platform, from the least to the most open."""

    INACTIVE = "inactive"
    BLOCKED = "blocked"
    PARTIALLY_BLOCKED = "partially_blocked"
    ACTIVE = "active"

    @property
    def openness(self) -> int:
        """0 for the most closed; a *raised* status has a greater openness."""
        return list(LineStatus).index(self)


class Direction(enum.StrEnum):
    OUTGOING = "outgoing"
    INCOMING = "incoming"


class Outcome(enum.StrEnum):
    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: str = field(repr=False)
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime
    """Until when the access token is used, a little before it expires. Naive UTC."""


@dataclass(frozen=True, slots=True)
class Plan:
    remote_id: int
    name: str
    scope: str
    """``national`` or ``international``."""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    remote_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Did:
    """A number as the platform reports it."""

    number: str
    """Digits, DDI first."""
    in_use: bool
    line_remote_id: int | None = None
    city: str | None = None
    state_code: str | None = None
    ported: bool = False
    monthly_fee: Decimal | None = None
    accept_collect_calls: bool | None = None


@dataclass(frozen=True, slots=True)
class DidTerms:
    """A number as it is wanted on a line."""

    number: str
    monthly_fee: Decimal
    accept_collect_calls: bool


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Everything that is wanted of a line but its status and its numbers.

    Of a line that the platform tells of, what it left out is None; the closing day
    is 0.
    """

    reference: str
    customer_name: str
    customer_document: str | None
    account_code: str | None
    plan_remote_id: int
    international_plan_remote_id: int | None
    group_remote_id: int | None
    closing_day: int
    billing_type: str
    """``prepaid`` or ``postpaid``."""
    route: str
    """``scm``, ``stfc`` or ``custom``."""
    portability: str
    """``no``, ``in`` or ``out``."""
    caller_id: bool | None
    allow_lc: bool | None
    allow_ldn: bool | None
    allow_ldi: bool | None
    allow_vc1: bool | None
    allow_vc2: bool | None
    allow_vc3: bool | None
    simultaneous_calls: int | None
    credit_limit: Decimal | None
    password: str | None = field(default=None, repr=False)
    """Sent only when it was changed here; None leaves the platform's alone."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as the platform reports it."""

    remote_id: int
    reference: str
    account_code: str
    status: LineStatus
    settings: LineSettings
    plan_description: str | None = None
    dids: tuple[Did, ...] | None = None
    """None where the platform did not say."""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    online: bool
    ip: str | None
    latency_ms: int | None
    balance: Decimal | None
    """Prepaid: what is left. Postpaid: what was used."""


class Call(msgspec.Struct, frozen=True, gc=False):
    """One call record, decoded. Times are naive UTC, money is Decimal reais.

    They come by the million: made ten times as fast as a frozen dataclass.
    """

    remote_id: str
    line_remote_id: int | None
    account_code: str
    direction: Direction
    is_collect: bool
    caller: str
    callee: str
    start: datetime
    total_seconds: int
    talk_seconds: int
    platform_charged_seconds: int | None
    platform_class: str | None
    """As the platform wrote it, e.g. ``LDN``; other values occur."""
    outcome: Outcome
    platform_amount: Decimal | None
    platform_cost: Decimal | None
    city: str | None
    fingerprint: bytes
    """Digest of the record's decoded content: equal means nothing changed."""


class Problem(enum.StrEnum):
    """Why a record cannot be read, for those who tell it in words of their own."""

    MISSING = "missing"
    KIND = "kind"
    SIZE = "size"
    WORD = "word"
    AMOUNT = "amount"
    DURATION = "duration"
    MOMENT = "moment"
    NUL = "nul"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be decoded: its raw text and the reason."""

    raw: str
    reason: str
    remote_id: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class CallPage:
    calls: tuple[Call, ...]
    rejects: tuple[Reject, ...]
    cursor: str | None
    """Where the next page begins; None after the last one."""
    is_plain: bool = field(default=False, compare=False)
    """Whether it is known that no text of its calls holds a backslash or a control
    character."""
