"""Asks every path that reads, and tells where its answers differ from the contract.

``GET`` alone, within a bounded time, whatever the platform does. What it tells holds
nothing that the platform said: places, kinds and masked shapes. No wire name stands
here: ``contract.py`` knows the fields, ``wire.py`` the queries and what is read.
"""

import enum
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from . import wire
from .client import Client
from .contract import JSON_TYPE, Contract, Difference
from .errors import (
    AnotherPage,
    CertificateRefused,
    CredentialsRefused,
    GatewayError,
    LoginExpired,
    NotUnderstood,
    RateLimited,
    Unreachable,
)
from .exchange import Look
from .masking import shape
from .wire import Malformed

# So many records of a path are compared.
RECORDS = 100
# Of a page of which there must be a second one.
SMALL_PAGE = 10
# Where calls are looked for, one stretch after the other.
WINDOWS = (timedelta(days=1), timedelta(days=7), timedelta(days=31))
ANSWER_SECONDS = 10.0
# A platform that asks for a longer pause is not asked again.
LONGEST_PAUSE_SECONDS = 5.0
# No line has it.
UNKNOWN_LINE = 2**31 - 1
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


# Anything else might be a word of somebody's own.
_MEDIA_TYPE = re.compile(
    r"(?:text|application)/(?:x-)?"
    r"(?:html|plain|xml|csv|octet-stream|(?:problem\+|vnd\.api\+)?json)"
)
# Of which one at least is asked for.
AREA_CODES = ("11", "21", "31", "41", "51")


class Finding(enum.StrEnum):
    """What differs."""

    MISSING = "missing"
    EXTRA = "extra"
    KIND = "kind"
    FORM = "form"
    WORD = "word"
    SIZE = "size"
    UNREADABLE = "unreadable"
    STATUS = "status"
    CONTENT_TYPE = "content_type"
    NOT_JSON = "not_json"
    PAGE_SIZE = "page_size"
    PAGE_AGAIN = "page_again"
    PAGE_LAST = "page_last"
    FILTER = "filter"
    WINDOW = "window"
    WINDOW_START = "window_start"
    WINDOW_END = "window_end"
    ORDER = "order"
    PAUSE = "pause"
    TIMEOUT = "timeout"
    UNREACHED = "unreached"
    BROKEN_OFF = "broken_off"
    FAULT = "fault"
    FOREIGN = "foreign"
    CERTIFICATE = "certificate"
    CREDENTIALS = "credentials"


# There was no answer of the platform to look at.
NO_ANSWER = frozenset(
    (
        Finding.PAUSE,
        Finding.TIMEOUT,
        Finding.UNREACHED,
        Finding.BROKEN_OFF,
        Finding.FAULT,
        Finding.FOREIGN,
        Finding.CERTIFICATE,
        Finding.CREDENTIALS,
    )
)


# The next path would meet the same.
OF_ALL_PATHS = frozenset((Finding.UNREACHED, Finding.CERTIFICATE, Finding.CREDENTIALS))


class Verdict(enum.StrEnum):
    AGREED = "agreed"
    BEARABLE = "bearable"
    BREAKS = "breaks"
    NO_ANSWER = "no_answer"
    NOT_TRIED = "not_tried"


class Reason(enum.StrEnum):
    """Why something was not tried."""

    WRITES = "writes"
    NOTHING = "nothing"
    """There is no record to ask for."""
    TIME = "time"
    """The time was over, or the platform asks for a pause."""


@dataclass(slots=True)
class Differing:
    """One finding of a path, however often it occurred."""

    finding: Finding
    place: str
    """Of the field, the query's parameter or the header; empty: the whole answer."""
    expected: str = ""
    """As ``contract.Found`` has it."""
    shape: str = ""
    """One example, masked."""
    count: int = 0
    total: int = 0
    """Of so many that were looked at; 0 if nobody counted."""
    breaks: bool = False
    """Whether the addon cannot read it so."""
    reading: str | None = None
    """What in ``wire.py`` reads it."""
    perhaps: str = ""
    """Fields of the contract that never came: an extra one may be one of them."""


@dataclass(slots=True)
class PathReport:
    method: str
    path: str
    not_tried: Reason | None = None
    requests: int = 0
    milliseconds: int = 0
    """Of the slowest answer."""
    records: int = 0
    differing: list[Differing] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        if not self.requests or (self.not_tried and not self.differing):
            return Verdict.NOT_TRIED
        if any(d.finding in NO_ANSWER and d.breaks for d in self.differing):
            return Verdict.NO_ANSWER
        if any(d.breaks for d in self.differing):
            return Verdict.BREAKS
        return Verdict.BEARABLE if self.differing else Verdict.AGREED


def diagnose(
    client: Client,
    contract: Contract,
    *,
    now: datetime,
    seconds: float = 90.0,
    answer_seconds: float = ANSWER_SECONDS,
) -> Iterator[PathReport]:
    """One report after the other, in the order in which the paths are asked.

    :param now: naive UTC
    :param seconds: for all of it
    """
    asked = _Asking(client, contract, time.monotonic() + seconds, answer_seconds)
    line_ids: list[str] = []
    yield asked.listing(wire.PLANS, wire.decode_plan, _plan_filters)
    yield asked.listing(wire.GROUPS, wire.decode_group)
    yield asked.listing(wire.DIDS, wire.decode_did, _did_filters)
    yield asked.listing(
        wire.LINES,
        wire.decode_line,
        lambda found: _line_filters(found, client.zone),
        ids=line_ids,
    )
    remote_id = line_ids[0] if line_ids else None
    yield asked.one(wire.LINE, wire.decode_line, remote_id, unknown=UNKNOWN_LINE)
    yield asked.one(wire.LINE_REGISTRATION, wire.decode_registration, remote_id)
    yield asked.calls(now)
    for method, path in contract.operations():
        if method != "GET":
            yield PathReport(method, path, Reason.WRITES)


# Filters of a listing: the query, what holds of each record, and whether one comes.


def _plan_filters(plans):
    for scope in sorted({plan.scope for plan in plans}):
        yield wire.plan_filter(scope), lambda plan, s=scope: plan.scope == s, True


def _did_filters(dids):
    for in_use in sorted({did.in_use for did in dids}):
        yield wire.did_filter(in_use, None), lambda did, u=in_use: did.in_use == u, True
    if dids:
        # Of an area of which none was seen, if there is one: those would come else.
        seen = {did.number[2:4] for did in dids}
        area_code = next((code for code in AREA_CODES if code not in seen), "11")
        given = wire.did_filter(None, area_code)
        yield given, lambda one: one.number[2:4] == area_code, False


def _line_filters(lines, zone):
    if lines:
        # Not every line there has a key.
        if reference := next((one.reference for one in lines if one.reference), None):
            given = wire.line_filter(reference, None, None, zone)
            yield given, lambda one: one.reference == reference, True
        account = lines[0].account_code
        given = wire.line_filter(None, account, None, zone)
        yield given, lambda one: one.account_code == account, True
    # After the latest change there is none, unless one comes at this moment.
    latest = max((line.updated_at for line in lines if line.updated_at), default=None)
    if latest:
        since = latest + SECOND
        given = wire.line_filter(None, None, since, zone)
        yield given, lambda one: one.updated_at and one.updated_at >= since, False


class _Over(Exception):
    """Nothing more is asked of this path."""


class _Asking:
    """What the paths of one diagnosis share."""

    def __init__(self, client, contract, ends, answer_seconds):
        self.client = client
        self.contract = contract
        self.answer_seconds = answer_seconds
        self.ends = ends

    def listing(self, path, decode, make_filters=None, ids=None):
        """:param ids: takes those of all elements, also of what cannot be read"""
        with _Path(self, path) as asking:
            page = asking.page(decode, wire.page_query(per_page=RECORDS), ids)
            asking.follow(decode, page)
            for wanted in make_filters(page.records) if make_filters else ():
                asking.filter(*wanted, decode)
        return asking.report

    def one(self, path, decode, remote_id, unknown=None):
        with _Path(self, path) as asking:
            if remote_id is None:
                is_over = time.monotonic() >= self.ends
                asking.report.not_tried = Reason.TIME if is_over else Reason.NOTHING
            else:
                asking.one(decode, remote_id)
            if unknown is not None:
                asking.unknown(unknown)
        return asking.report

    def calls(self, now):
        with _Path(self, wire.CALLS) as asking:
            asking.calls(now)
        return asking.report


@dataclass(slots=True)
class _Page:
    records: list
    keys: list[str]
    """Of all elements, in order, whether they could be read or not."""
    following: dict | str | None


class _Path:
    """One path: asks, compares, and gathers what differs."""

    def __init__(self, asking: _Asking, path: str):
        self._asking = asking
        self._path = path
        self._differing: dict[tuple[Finding, str], Differing] = {}
        self._objects: dict[str, int] = {}
        self._members: dict[str, int] = {}
        self.report = PathReport("GET", path)

    def __enter__(self):
        return self

    def __exit__(self, kind, _error, _traceback):
        self._conclude()
        return kind is _Over

    # Asking

    def _look(self, query=None, **parts) -> Look:
        """:raise _Over: if there was no answer of the platform"""
        look = self._send(query, parts)
        if isinstance(look.error, RateLimited):
            pause = look.error.retry_after or 1.0
            patient = pause <= min(LONGEST_PAUSE_SECONDS, self._seconds_left())
            self._add(Finding.PAUSE, "", shape=f"{pause:.0f} s", breaks=not patient)
            if not patient:
                self._asking.ends = 0.0
                raise _Over
            time.sleep(pause)
            look = self._send(query, parts)
        finding = _finding_of(look)
        if finding is not None:
            text = "" if look.status is None else str(look.status)
            self._add(finding, "", shape=text, breaks=True)
            if finding in OF_ALL_PATHS:
                self._asking.ends = 0.0
            raise _Over
        return look

    def _send(self, query, parts):
        left = self._seconds_left()
        if left <= 0:
            self.report.not_tried = Reason.TIME
            raise _Over
        with self._asking.client.deadline(min(left, self._asking.answer_seconds)):
            look = self._asking.client.look(self._path, query, **parts)
        self.report.requests += 1
        self.report.milliseconds = max(self.report.milliseconds, look.milliseconds)
        return look

    def _seconds_left(self):
        return self._asking.ends - time.monotonic()

    def _add(self, finding, place, **values) -> Differing:
        one = self._differing.get((finding, place))
        if one is None:
            reading, is_needed = wire.reading_of(self._path, place)
            one = Differing(finding, place, reading=reading, **values)
            # Only the first thing that is wrong with a record keeps it from being read.
            one.breaks |= is_needed and finding == Finding.MISSING
            self._differing[finding, place] = one
        one.count += 1
        one.breaks = one.breaks or values.get("breaks", False)
        return one

    def _conclude(self):
        for one in self._differing.values():
            holder, _dot, _name = one.place.rpartition(".")
            one.total = self._objects.get(holder, 0)
            if one.finding == Finding.EXTRA:
                one.perhaps = "|".join(
                    name
                    for name in self._asking.contract.named(self._path, holder)
                    if not self._members.get(f"{holder}.{name}" if holder else name)
                )
        self.report.differing = list(self._differing.values())

    # Comparing

    def _compare(self, look: Look, wanted: int = 200):
        """:return: the differences by the index of the outermost element"""
        if look.status != wanted:
            self._add(
                Finding.STATUS,
                "",
                expected=str(wanted),
                shape=str(look.status),
                breaks=look.error is not None and wanted == 200,
            )
            # What it says then is another matter.
            return {}
        kind = look.content_type.partition(";")[0].strip().lower()
        if kind != JSON_TYPE:
            shown = kind if _MEDIA_TYPE.fullmatch(kind) else shape(kind)
            self._add(Finding.CONTENT_TYPE, "", expected=JSON_TYPE, shape=shown)
        by_index: dict[int | None, list[Differing]] = {}
        try:
            value = json.loads(look.body, parse_constant=_refuse)
        except (ValueError, RecursionError):
            self._add(Finding.NOT_JSON, "")
            return by_index
        compared = self._asking.contract.compare(self._path, wanted, value)
        if compared is None:
            return by_index
        found, seen = compared
        for counts, more in (
            (self._objects, seen.objects),
            (self._members, seen.members),
        ):
            for place, count in more.items():
                counts[place] = counts.get(place, 0) + count
        for one in found:
            finding = Finding(one.difference.value)
            values = {"expected": one.expected, "shape": one.shape}
            index = one.indexes[0] if one.indexes else None
            by_index.setdefault(index, []).append(
                self._add(finding, one.place, **values)
            )
        return by_index

    def _unreadable(self, error, prefix, differing):
        """Marks what keeps the addon from reading, of all that differs there."""
        name = wire.named_field(str(error))
        place = f"{prefix}.{name}" if prefix and name else name or prefix
        marked = [
            one
            for one in differing
            if one.place == place and one.finding != Finding.EXTRA
        ]
        for one in marked:
            one.breaks = True
        not_json = self._differing.get((Finding.NOT_JSON, ""))
        if not_json is not None and not marked:
            not_json.breaks = True
        elif not marked:
            self._add(Finding.UNREADABLE, place, breaks=True)

    # Listings

    def page(self, decode, query, ids=None) -> _Page:
        """:raise _Over: if the addon cannot read it as a page"""
        look = self._look(query)
        differing = self._compare(look)
        if look.error is not None:
            raise _Over
        try:
            raws, following = wire.decode_page(look.body, query)
        except AnotherPage as error:
            self._add(Finding.PAGE_AGAIN, "", breaks=True)
            raise _Over from error
        except GatewayError as error:
            self._unreadable(error, "", differing.get(None, ()))
            raise _Over from error
        records, keys = [], []
        for index, raw in enumerate(raws):
            self.report.records += 1
            keys.append(bytes(raw))
            if ids is not None and (remote_id := wire.id_of(raw)):
                ids.append(remote_id)
            try:
                records.append(decode(raw, self._asking.client.zone))
            except Malformed as error:
                self._unreadable(error, wire.ELEMENTS, differing.get(index, ()))
        return _Page(records, keys, following)

    def follow(self, decode, whole: _Page) -> None:
        """A second page, of a listing that has as many records."""
        size = min(SMALL_PAGE, len(whole.keys) // 2)
        if not size:
            return
        query = wire.page_query(per_page=size)
        first = self._uncounted(lambda: self.page(decode, query))
        self._check_size(first, size, query)
        if first.following is None:
            if len(first.keys) < len(whole.keys):
                self._add(Finding.PAGE_LAST, "", breaks=True)
            return
        second = self._uncounted(lambda: self.page(decode, first.following))
        self._check_second(first, second)

    def filter(self, given: dict, holds: Callable, must_come: bool, decode) -> None:
        (name,) = [name for name, value in given.items() if value is not None]
        query = wire.page_query(per_page=RECORDS, **given)
        page = self._uncounted(lambda: self.page(decode, query))
        if not page.keys and must_come:
            self._add(Finding.FILTER, name, shape="0", breaks=True)
        elif not all(map(holds, page.records)):
            # What it brings too much is looked at by whoever asks.
            self._add(Finding.FILTER, name)

    def _uncounted(self, ask):
        """The same records once more are not more records."""
        before = self.report.records
        try:
            return ask()
        finally:
            self.report.records = before

    def _check_second(self, first, second):
        if not second.keys:
            self._add(Finding.PAGE_LAST, "", breaks=True)
        elif set(second.keys) <= set(first.keys):
            self._add(Finding.PAGE_AGAIN, "", breaks=True)

    def _check_size(self, page, size, query):
        if len(page.keys) > size:
            name = next((n for n, value in query.items() if value == size), "")
            self._add(
                Finding.PAGE_SIZE, name, expected=str(size), shape=str(len(page.keys))
            )

    # One record

    def one(self, decode, remote_id) -> None:
        look = self._look(id=remote_id)
        differing = self._compare(look)
        if look.error is not None:
            return
        self.report.records += 1
        try:
            decode(look.body, self._asking.client.zone)
        except (GatewayError, Malformed) as error:
            everything = [one for found in differing.values() for one in found]
            self._unreadable(error, "", everything)

    def unknown(self, remote_id) -> None:
        """How the platform says that it has no such thing."""
        look = self._look(id=remote_id)
        self._compare(look, wanted=404)

    # Calls

    def calls(self, now) -> None:
        for window in WINDOWS:
            start, end = now - window, now
            page = self._calls(start, end, RECORDS)
            if page.keys:
                break
        else:
            return
        self._follow_calls(start, end, page)
        if not page.records:
            return
        call = page.records[len(page.records) // 2]
        # A window takes its first moment in, and its last one not.
        if call not in self._same(call.start, call.start + SECOND).records:
            self._add(Finding.WINDOW_START, "", breaks=True)
        if call in self._same(call.start - HOUR, call.start).records:
            self._add(Finding.WINDOW_END, "")
        with_line = [one for one in page.records if one.line_remote_id]
        for one in with_line[:1]:
            remote_id = one.line_remote_id
            found = self._same(start, end, line_remote_id=remote_id)
            # A record may leave its line to the account code.
            if any(c.line_remote_id not in (None, remote_id) for c in found.records):
                query = self._call_query(start, end, None, remote_id, RECORDS)
                (name,) = [n for n, value in query.items() if value == remote_id][:1]
                self._add(Finding.FILTER, name)

    def _follow_calls(self, start, end, whole):
        size = min(SMALL_PAGE, len(whole.keys) // 2)
        # One alone could be the last record of the page before.
        if size < 2:
            return
        first = self._same(start, end, limit=size)
        query = self._call_query(start, end, None, None, size)
        self._check_size(first, size, query)
        if first.following is None:
            if len(first.keys) < len(whole.keys):
                self._add(Finding.PAGE_LAST, "", breaks=True)
            return
        second = self._same(start, end, limit=size, cursor=first.following)
        self._check_second(first, second)
        later = [call.start for call in second.records]
        if first.records and any(one < first.records[-1].start for one in later):
            self._add(Finding.ORDER, "")

    def _same(self, start, end, *, limit=RECORDS, cursor=None, line_remote_id=None):
        return self._uncounted(
            lambda: self._calls(start, end, limit, cursor, line_remote_id)
        )

    def _calls(self, start, end, limit, cursor=None, line_remote_id=None) -> _Page:
        zone = self._asking.client.zone
        query = self._call_query(start, end, cursor, line_remote_id, limit)
        look = self._look(query)
        differing = self._compare(look)
        if look.error is not None:
            raise _Over
        try:
            page = wire.decode_call_page(look.body, zone, query)
        except GatewayError as error:
            self._unreadable(error, "", differing.get(None, ()))
            raise _Over from error
        self.report.records += len(page.calls) + len(page.rejects)
        everything = [
            one for index, found in differing.items() if index is not None
            for one in found
        ]  # fmt: skip
        for reject in page.rejects:
            self._unreadable(reject.reason, wire.ELEMENTS, everything)
        calls = list(page.calls)
        starts = [call.start for call in calls]
        if starts != sorted(starts):
            self._add(Finding.ORDER, "")
        # A bound that text cannot tell moves outwards, by an hour at most.
        if any(not start - HOUR <= one < end + HOUR for one in starts):
            self._add(Finding.WINDOW, "", breaks=True)
        keys = [call.fingerprint for call in calls]
        keys += [reject.raw for reject in page.rejects]
        return _Page(calls, keys, page.cursor)

    def _call_query(self, start, end, cursor, line_remote_id, limit):
        zone = self._asking.client.zone
        return wire.call_query(start, end, cursor, line_remote_id, limit, zone)


def _finding_of(look: Look) -> Finding | None:
    """Why this is no answer of the platform; None if it is one."""
    match look.error:
        case RateLimited():
            return Finding.PAUSE
        case Unreachable(cause="timeout"):
            return Finding.TIMEOUT
        case Unreachable(cause="broken_off"):
            return Finding.BROKEN_OFF
        case Unreachable() if look.status is not None:
            return Finding.FAULT
        case Unreachable():
            return Finding.UNREACHED
        case CertificateRefused():
            return Finding.CERTIFICATE
        case CredentialsRefused() | LoginExpired():
            return Finding.CREDENTIALS
        case NotUnderstood():
            return Finding.FOREIGN
    # A page for people, as a proxy or a portal gives it.
    return Finding.FOREIGN if look.body.lstrip()[:1] == b"<" else None


def _refuse(name):
    raise ValueError(f"{name} is no JSON")


assert {one.value for one in Difference} <= {one.value for one in Finding}  # noqa: S101
