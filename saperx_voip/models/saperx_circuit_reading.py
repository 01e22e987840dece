# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying

from ..alone import alone
from ..forms import tell_forms
from ..gateway import GatewayError, Patience, Reject
from .saperx_cdr_import import get_working_seconds

_logger = logging.getLogger(__name__)

# First key of the advisory lock of a reading; the second is the integration's id.
CIRCUIT_LOCK = 0xC18C
OPEN_STATES = ("waiting", "running")
NAMED_REJECTS = 20
# Seconds before a page is asked for again, that did not come or not as one.
PAUSES = (0.5, 2.0, 8.0)


class SaperxCircuitReading(models.Model):
    """One reading of all circuits of an integration.

    The platform is asked page by page with no transaction open; what it said is stored
    in one. Killed anywhere it is simply done again.
    """

    _name = "saperx.circuit.reading"
    _description = "Reading of the platform's lines"
    _order = "id desc"

    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("running", "Reading"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    started_at = fields.Datetime(readonly=True)
    ended_at = fields.Datetime(readonly=True)
    error = fields.Text(readonly=True)
    read_count = fields.Integer(string="Read", readonly=True)
    new_count = fields.Integer(string="New", readonly=True)
    changed_count = fields.Integer(string="Changed", readonly=True)
    gone_count = fields.Integer(
        string="Not there any more",
        readonly=True,
        help="Known from before, and not listed any more.",
    )
    rejected_count = fields.Integer(string="Unreadable", readonly=True)
    compared_count = fields.Integer(string="Lines compared", readonly=True)
    skipped_count = fields.Integer(
        string="Not compared",
        readonly=True,
        help="Changed while the platform was read, or not readable there: the next "
        "reading compares them.",
    )
    difference_count = fields.Integer(
        string="Differences",
        readonly=True,
        help="All that were found: also what is ignored or waits to be pushed.",
    )
    rejects = fields.Text(
        string="What could not be read",
        readonly=True,
        help="The first of them, and why. While there are any, none counts as gone.",
    )

    @api.depends("integration_id")
    def _compute_display_name(self):
        for reading in self:
            reading.display_name = f"{reading.integration_id.name} #{reading.id}"

    def action_view_differences(self):
        self.ensure_one()
        return self.integration_id.action_view_differences()

    @api.model
    def _begin(self, integration):
        """A reading of the integration that is to be done: the one that waits or is at
        work, else another one."""
        integration.ensure_one()
        domain = [
            ("integration_id", "=", integration.id),
            ("state", "in", OPEN_STATES),
        ]
        reading = self.sudo().search(domain, limit=1)
        reading = reading or self.sudo().create({"integration_id": integration.id})
        return reading.with_env(self.env)

    @api.model
    def _trigger_run(self):
        self.env.ref("saperx_voip.ir_cron_circuits").sudo()._trigger()

    @api.model
    def _cron_run(self):
        """Do what waits, oldest first, also what a crash left."""
        readings = self.search([("state", "in", OPEN_STATES)], order="id")
        for done, reading in enumerate(readings, 1):
            reading._run()
            left = len(readings) - done
            if not self.env["ir.cron"]._commit_progress(1, remaining=left):
                break

    def _run(self):
        """Read all circuits, or say why not. Commits.

        :return: the error that kept it from that, or None
        """
        self.ensure_one()
        with alone(self.env, CIRCUIT_LOCK, self.integration_id.id) as is_alone:
            if not is_alone:
                _logger.info("%s: another reading is at work", self.display_name)
                return None
            if not retrying(self._start, self.env):
                return None
            try:
                self._read_and_store()
            except (GatewayError, UserError) as error:
                self._stop(error)
                return error
            except Exception as error:
                # Odoo would put off what leaves here, and at last switch it off.
                _logger.exception("A reading of circuits failed")
                self._stop(error)
                return error
        return None

    def _start(self):
        """:return: whether it is still to be done"""
        self.invalidate_recordset(["state"])
        if self.state not in OPEN_STATES:
            return False
        self.write(
            {"state": "running", "started_at": fields.Datetime.now(), "error": False}
        )
        tell_forms(self)
        return True

    def _read_and_store(self):
        integration = self.integration_id
        known, expected, asked_at = retrying(
            lambda: (
                self._get_known_ids(),
                self._get_expected_ids(),
                self.env.cr.now(),
            ),
            self.env,
        )
        patience = Patience(PAUSES, partial(_wait, time.monotonic()))
        with retrying(integration._get_client, self.env) as client:
            lines, rejects = self._read(client, patience)
            if not rejects and (known | expected) - lines.keys():
                # Whatever changes there while the pages are read moves the others: one
                # that was missed comes with the second reading.
                again, rejects = self._read(client, patience)
                lines |= again
        retrying(partial(self._store, lines, rejects, known, asked_at), self.env)

    def _get_known_ids(self):
        circuits = self.env["saperx.circuit"].search_fetch(
            [("integration_id", "=", self.integration_id.id), ("gone", "=", False)],
            ["remote_id"],
        )
        return set(circuits.mapped("remote_id"))

    def _get_expected_ids(self):
        """Of our lines that ought to be there, but those that were seen to be gone."""
        platform = [("integration_id", "=", self.integration_id.id)]
        lines = self.env["saperx.line"].search_fetch(
            [
                *platform,
                ("remote_id", "!=", False),
                ("state", "not in", ("draft", "cancelled")),
            ],
            ["remote_id"],
        )
        gone = self.env["saperx.circuit"].search_fetch(
            [*platform, ("gone", "=", True)], ["remote_id"]
        )
        return set(lines.mapped("remote_id")) - set(gone.mapped("remote_id"))

    @api.model
    def _read(self, client, patience):
        """:return: the gateway's lines by id, and its rejects"""
        lines, rejects = {}, []
        for record in client.iter_lines(patience=patience):
            if isinstance(record, Reject):
                rejects.append(record)
            else:
                lines[record.remote_id] = record
        return lines, rejects

    def _store(self, lines, rejects, known, asked_at):
        """Everything that came of the reading, in one transaction."""
        circuits = self.env["saperx.circuit"]
        # What could not be read may be one of those that are missing.
        gone = set() if rejects else known - lines.keys()
        circuits._mark_gone(self.integration_id, list(gone))
        new, changed = circuits._merge(self.integration_id, lines.values())
        found = self.env["saperx.line.difference"]._find(
            self, lines, not rejects, asked_at
        )
        self.write(
            {
                "state": "done",
                "ended_at": fields.Datetime.now(),
                "read_count": len(lines),
                "new_count": new,
                "changed_count": changed,
                "gone_count": len(gone),
                "rejected_count": len(rejects),
                "compared_count": found.compared_count,
                "skipped_count": len(found.skipped_line_ids),
                "difference_count": len(found.rows),
                "rejects": "\n".join(
                    f"{reject.remote_id or '?'}: {reject.reason}"
                    for reject in rejects[:NAMED_REJECTS]
                ),
            }
        )
        self.integration_id.sudo()._record_success()
        tell_forms(self)

    def _stop(self, error):
        self.env.cr.rollback()

        def stop():
            reader = self.create_uid
            self.write(
                {
                    "state": "failed",
                    "ended_at": fields.Datetime.now(),
                    "error": self.integration_id._explain(error, reader),
                }
            )
            if isinstance(error, GatewayError):
                self.integration_id.sudo()._record_error(error)
            tell_forms(self)

        retrying(stop, self.env)


def _wait(began, seconds):
    """:return: whether it is late to ask again: what hangs would be killed unheard"""
    if time.monotonic() + seconds - began > get_working_seconds():
        return True
    time.sleep(seconds)
    return False
