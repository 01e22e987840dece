# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import threading
import time
from contextlib import closing
from functools import partial

from odoo import fields, models
from odoo.service.model import retrying

from ..gateway import CursorExpired, Patience, ReadAhead
from .saperx_cdr_row import Gatherer

PAGE_LIMIT = 1000
# Pages that are read while another one is rated, and batches that are rated while
# another one is stored: what memory holds.
PAGES_AHEAD = 2
AHEAD = 1
# Seconds before a page is asked for again, that did not come or not as one.
PAUSES = (0.3, 1.0, 3.0, 8.0)
# So many cursors may expire, one after the other, before anything new was read.
RESTARTS = 5
# People look at it: more often would only cost.
TELL_SECONDS = 1.0


class SaperxCdrImport(models.Model):
    """How a run reads its window.

    Two threads that know nothing of Odoo work a little ahead: one asks for the pages
    and decodes them, the other one rates them, so that it need not wait for the
    platform. What is gathered is stored here, one transaction a batch, together with
    the cursor: nobody waits for the platform with a transaction open.
    """

    _inherit = "saperx.cdr.import"  # pylint: disable=consider-merging-classes-inherited

    read_from = fields.Datetime(
        readonly=True, help="Of the reading that the cursor is of. Empty: the window's."
    )
    read_until = fields.Datetime(
        readonly=True, help="All calls that began before have been read."
    )

    def _read_window(self, until):
        """Read it on to its end; see ``phase``.

        :param until: by ``time.monotonic()``: it then stops, to be gone on with
        """
        restarts = 0
        while True:
            before = self.read_until
            try:
                return self._read_on(until)
            except CursorExpired:
                is_further = self.read_until and self.read_until != before
                restarts = 0 if is_further else restarts + 1
                if restarts > RESTARTS:
                    raise
                retrying(self._forget_cursor, self.env)

    def _forget_cursor(self):
        """The contract has a window read again from its beginning. Oldest first, as
        they come, what was read need not be read again; else it adds nothing twice."""
        self.write({"cursor": False, "read_from": self.read_until})

    def _read_on(self, until):
        # Its secrets are read in a transaction that ends here.
        with retrying(self.integration_id._get_client, self.env) as client:
            gatherer = Gatherer(retrying(self._get_maker, self.env))
            stopped = threading.Event()
            pages = client.iter_call_pages(
                self.read_from or self.date_from,
                self.date_to,
                cursor=self.cursor or None,
                limit=PAGE_LIMIT,
                patience=Patience(PAUSES, stopped.wait),
            )
            with (
                closing(ReadAhead(pages, PAGES_AHEAD, stopped)) as read,
                closing(ReadAhead(gatherer.gather(read), AHEAD, stopped)) as ahead,
            ):
                self._store_all(ahead, gatherer, until)

    def _store_all(self, batches, gatherer, until):
        told_at = 0.0
        for batch in batches:
            tells = time.monotonic() - told_at >= TELL_SECONDS
            before = self.new_count
            store = partial(self._store_batch, batch, tells)
            gatherer.maker = retrying(store, self.env)
            gatherer.waiting |= batch.line_ids
            # Of a window that is read again most rows are known, and none is needed.
            gatherer.is_eager = 2 * (self.new_count - before) >= batch.read_count
            if tells:
                told_at = time.monotonic()
            if time.monotonic() >= until:
                return
