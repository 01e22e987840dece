# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From decoded calls to rows of the call table: no Odoo, for a thread without it."""

import time
from functools import lru_cache

import msgspec

from ..bulk import escape
from ..bulk import is_plain as is_text_plain
from ..gateway import GatewayError, known_call_class
from .saperx_cdr_columns import ASSESSED_COLUMNS, RECORD_COLUMNS

# In the order of ``Rows.make``.
COLUMNS = (
    # Of the run.
    "integration_id",
    "company_id",
    "import_id",
    # As the platform has it.
    "remote_id",
    "fingerprint",
    *RECORD_COLUMNS,
    # As ``saperx_cdr.assessed_values`` has it.
    *ASSESSED_COLUMNS,
)
NULL = "\\N"
NOBODY = "\t".join([NULL] * 4)

# Pages are stored together: each transaction has a price of its own.
BATCH_CALLS = 20_000
# But what came in is seen soon, from a platform that takes its time.
BATCH_SECONDS = 1.5


class Row(msgspec.Struct, gc=False):
    """A call as COPY takes it. Nothing for the garbage collector, as ``Call``."""

    text: str
    """A line, with its end."""
    line_id: int | None
    state: str


class Rows:
    """Makes rows of one run by one assessor; usable from any thread.

    One expression a row, since they come by the million: what may hold a tab or the
    like is escaped, the rest is ours.
    """

    def __init__(self, assessor, integration_id, company_id, import_id):
        self.assessor = assessor
        self._run = f"{integration_id}\t{company_id}\t{import_id}\t"
        self._holders = {None: NOBODY}

    def make(self, call, is_plain=False) -> Row:
        """
        :param call: a ``gateway.Call``
        :param bool is_plain: of its texts, as a ``gateway.CallPage`` has it
        """
        direction, outcome = call.direction, call.outcome
        remote_id, line_remote_id = call.remote_id, call.line_remote_id
        account_code, caller, callee = call.account_code, call.caller, call.callee
        platform_class, seconds = call.platform_class, call.platform_charged_seconds
        amount, cost, city = call.platform_amount, call.platform_cost, call.city
        start, talk_seconds, is_collect = call.start, call.talk_seconds, call.is_collect
        holding, other_party, ruling, cycle_end, rated = self.assessor.assess_values(
            line_remote_id,
            account_code,
            direction,
            is_collect,
            outcome == "answered",
            caller,
            callee,
            start,
            talk_seconds,
            known_call_class(platform_class),
            amount,
            seconds,
        )
        if not is_plain and not is_text_plain(
            f"{remote_id}{account_code}{caller}{callee}{platform_class}{city}"
        ):
            (
                remote_id,
                account_code,
                caller,
                callee,
                platform_class,
                city,
                other_party,
            ) = (
                text and escape(text)
                for text in (
                    remote_id,
                    account_code,
                    caller,
                    callee,
                    platform_class,
                    city,
                    other_party,
                )
            )
        holder = self._holders.get(holding and holding.period_id)
        if holder is None:
            holder = self._add_holder(holding)
        # Plain conditions and !s: a call or a format would be felt here.
        text = (
            f"{self._run}{remote_id}\t{call.fingerprint.hex()}\t"
            f"{NULL if line_remote_id is None else line_remote_id}\t"
            f"{NULL if account_code is None else account_code}\t"
            f"{direction!s}\t{'t' if is_collect else 'f'}\t{caller}\t{callee}\t"
            f"{NULL if city is None else city}\t{start!s}\t{outcome!s}\t"
            f"{call.total_seconds}\t{talk_seconds}\t"
            f"{NULL if seconds is None else seconds}\t"
            f"{NULL if platform_class is None else platform_class}\t"
            f"{NULL if amount is None else amount!s}\t"
            f"{NULL if cost is None else cost!s}\t"
            f"{holder}\t{other_party}\t{ruling.own_class}\t{ruling.call_class}\t"
            f"{_write_day(cycle_end)}\t{_write_rated(rated)}\n"
        )
        return Row(text, holding and holding.line_id, rated.state)

    def _add_holder(self, holding):
        text = self._holders[holding.period_id] = (
            f"{holding.line_id}\t{holding.period_id}\t{holding.contract_id}"
            f"\t{holding.partner_id}"
        )
        return text


@lru_cache(maxsize=1024)
def _write_day(day):
    return NULL if day is None else str(day)


@lru_cache(maxsize=16_384)
def _write_rated(rated):
    """The columns from the rate on, of which there are few among many calls."""
    state, reason, rate_id, charged_seconds, gross = rated
    return (
        f"{NULL if rate_id is None else rate_id}\t{charged_seconds}\t{gross!s}\t"
        f"{state}\t{NULL if reason is None else reason}\t0\t0\t{gross!s}\t{NULL}"
    )


class Batch:
    """Pages that are stored together.

    :param maker: the ``Rows`` by which its rows are made
    :param bool is_eager: whether they are made as pages come in; else by whoever finds
        that they are needed
    :param waiting: ids of the lines whose allowances are to be drawn anyway
    """

    def __init__(self, maker, is_eager=True, waiting=frozenset()):
        self._began_at = time.monotonic()
        self._is_eager = is_eager
        self.maker = maker
        self.waiting = waiting
        self.line_ids = frozenset()
        """Of the other lines, those whose allowances are to be drawn for its sake."""
        self.calls = {}
        """By the platform's id: what comes twice is folded, the later one counts."""
        self.rows = {}
        self.rejects = []
        self.overtaken = []
        """Rejects after which a record of the same call came that could be read."""
        self.read_count = 0
        self.cursor = None
        self.read_until = None
        """All that began before has been read; None: the platform's order tells not."""

    def add(self, page, before=frozenset()):
        """
        :param page: a ``gateway.CallPage``
        :param before: fingerprints of calls that are stored before this batch is
        """
        calls = page.calls
        if before:
            calls = [call for call in calls if call.fingerprint not in before]
        self.calls.update([(call.remote_id, call) for call in calls])
        if self._is_eager:
            make, is_plain = self.maker.make, page.is_plain
            self.rows.update([(call.remote_id, make(call, is_plain)) for call in calls])
        if self.rejects:
            self._overtake({call.remote_id for call in page.calls})
        self.rejects += page.rejects
        self.read_count += len(page.calls) + len(page.rejects)
        self.cursor = page.cursor

    def _overtake(self, remote_ids):
        self.overtaken += [r for r in self.rejects if r.remote_id in remote_ids]
        self.rejects = [r for r in self.rejects if r.remote_id not in remote_ids]

    def use(self, maker):
        """Rows by another maker from now on."""
        if maker is not self.maker:
            self.maker, self.rows = maker, {}

    def get_ids(self):
        """The platform's ids, in the order in which they are best stored: what stands
        together in the indexes comes together, which spares a third of a COPY."""
        return sorted(self.calls)

    def get_rows(self, remote_ids):
        rows, calls, make = self.rows, self.calls, self.maker.make
        return [rows.get(some_id) or make(calls[some_id]) for some_id in remote_ids]

    def is_due(self):
        return (
            len(self.calls) >= BATCH_CALLS
            or time.monotonic() - self._began_at >= BATCH_SECONDS
        )


class Gatherer:
    """Gathers pages into batches.

    :param maker: as of ``Batch``; may be replaced at any time, as ``is_eager``;
        ``waiting`` may grow
    """

    def __init__(self, maker):
        self.maker = maker
        self.is_eager = True
        self.waiting = set()
        self._latest = None
        self._is_ordered = True
        self._page_before = frozenset()

    def gather(self, pages):
        """Batches of pages. What was read before trouble comes before it."""
        batch, before = self._begin(), frozenset()
        try:
            for page in pages:
                batch.add(page, before)
                batch.read_until = self._follow(page)
                before = frozenset()
                if page.cursor is None or batch.is_due():
                    yield batch
                    batch = self._begin()
                    if not page.rejects:
                        # The next one may begin with what this one ended with.
                        before = {call.fingerprint for call in page.calls}
        except GatewayError:
            if batch.read_count:
                yield batch
            raise

    def _begin(self):
        return Batch(self.maker, self.is_eager, self.waiting)

    def _follow(self, page):
        """:return: the latest start, while the platform sends the oldest first. That it
        sends a page once more, under another cursor, changes nothing about that."""
        for call in page.calls:
            if self._latest is None or call.start >= self._latest:
                self._latest = call.start
            elif call.remote_id not in self._page_before:
                self._is_ordered = False
        self._page_before = {call.remote_id for call in page.calls}
        return self._latest if self._is_ordered else None
