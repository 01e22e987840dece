"""Where a line of the platform is not as it is wanted; nothing is asked here."""

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from .records import Did, DidTerms, Line, LineSettings, LineStatus


class DifferenceKind(enum.StrEnum):
    REFERENCE = "reference"
    SETTING = "setting"
    STATUS = "status"
    DID_MISSING = "did_missing"
    """Wanted on the line, and not there."""
    DID_EXTRA = "did_extra"
    """There on the line, and not wanted."""
    DID_TERMS = "did_terms"


# Fields of ``LineSettings``. The reference is told apart: another one is another line.
COMPARED_SETTINGS = (
    "customer_name", "customer_document", "account_code", "plan_remote_id",
    "international_plan_remote_id", "group_remote_id", "closing_day", "billing_type",
    "route", "portability", "caller_id", "allow_lc", "allow_ldn", "allow_ldi",
    "allow_vc1", "allow_vc2", "allow_vc3", "simultaneous_calls", "credit_limit",
)  # fmt: skip
# Left open here, they keep what they have there.
OPTIONAL_HERE = ("account_code", "simultaneous_calls", "credit_limit")
# What the platform leaves out is not known, and so does not differ.
LEFT_OUT = {
    "closing_day": 0, "caller_id": None, "allow_lc": None, "allow_ldn": None,
    "allow_ldi": None, "allow_vc1": None, "allow_vc2": None, "allow_vc3": None,
    "simultaneous_calls": None, "credit_limit": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    kind: DifferenceKind
    subject: str
    """Field of ``LineSettings``, or a number; empty for the line itself."""
    ours: str
    """As text, see ``told``; terms of a number as ``told_terms``."""
    theirs: str


def told(value) -> str:
    """A value as text, the same for the same value: ``300.0`` and ``300`` are one."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value.normalize():f}"
        case _:
            return str(value)


def told_terms(terms: Did | DidTerms) -> str:
    """Monthly fee and whether collect calls are taken, as ``12.5 true``."""
    return f"{told(terms.monthly_fee)} {told(terms.accept_collect_calls)}"


def read_terms(text: str) -> tuple[Decimal | None, bool | None]:
    """What ``told_terms`` wrote; None where the platform did not say."""
    fee, _space, collect = text.partition(" ")
    return Decimal(fee) if fee else None, {"true": True, "false": False}.get(collect)


def differences(
    settings: LineSettings,
    status: LineStatus,
    dids: Iterable[DidTerms],
    is_final: bool,
    line: Line,
) -> Iterator[Difference]:
    """Compare what is wanted of a line with what the platform says of it.

    :param is_final: cancelled: only the status and its numbers matter
    """
    if not is_final:
        yield from _settings(settings, line)
    if line.status != status:
        yield Difference(DifferenceKind.STATUS, "", told(status), told(line.status))
    if line.dids is not None:
        yield from _numbers({did.number: did for did in dids}, line.dids)


def _settings(ours: LineSettings, line: Line) -> Iterator[Difference]:
    theirs = line.settings
    if ours.reference != line.reference:
        yield Difference(
            DifferenceKind.REFERENCE, "", ours.reference, told(line.reference)
        )
    for name in COMPARED_SETTINGS:
        own, other = getattr(ours, name), getattr(theirs, name)
        is_open = (own is None and name in OPTIONAL_HERE) or (
            name in LEFT_OUT and other == LEFT_OUT[name]
        )
        if told(own) != told(other) and not is_open:
            yield Difference(DifferenceKind.SETTING, name, told(own), told(other))


def _numbers(wanted: dict[str, DidTerms], dids: Iterable[Did]) -> Iterator[Difference]:
    there = {did.number: did for did in dids}
    for number, terms in wanted.items():
        did = there.get(number)
        if did is None:
            kind, theirs = DifferenceKind.DID_MISSING, ""
        elif _differ(did, terms):
            kind, theirs = DifferenceKind.DID_TERMS, told_terms(did)
        else:
            continue
        yield Difference(kind, number, told_terms(terms), theirs)
    for number, did in there.items():
        if number not in wanted:
            yield Difference(DifferenceKind.DID_EXTRA, number, "", told_terms(did))


def _differ(did: Did, terms: DidTerms) -> bool:
    """Of a number's terms, what the platform leaves out does not."""
    pairs = (
        (did.monthly_fee, terms.monthly_fee),
        (did.accept_collect_calls, terms.accept_collect_calls),
    )
    return any(theirs is not None and theirs != ours for theirs, ours in pairs)
