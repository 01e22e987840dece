# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time
from decimal import Decimal
from functools import partial

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import retrying
from odoo.tools import SQL

from ..forms import tell_forms
from .saperx_cdr_import import get_working_seconds

_logger = logging.getLogger(__name__)

OPEN_STATES = ("waiting", "running")


class SaperxCharging(models.Model):
    """One run of *Gerar adicional de telefonia*, by hand or by a scheduled task.

    It goes through the contracts by id, a portion a transaction, committed together
    with how far it has come. Killed anywhere, it goes on from there; what was charged
    is taken, so that nothing is charged twice whoever else is at it.
    """

    _name = "saperx.charging"
    _description = "Charging run"
    _inherit = ["saperx.charging.filter"]
    _order = "id desc"

    schedule_id = fields.Many2one(
        "saperx.schedule",
        string="Scheduled task",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty: by hand.",
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    filter_summary = fields.Char(string="What", compute="_compute_filter_summary")
    started_at = fields.Datetime(readonly=True)
    ended_at = fields.Datetime(readonly=True)
    error = fields.Text(readonly=True)
    is_unexpected = fields.Boolean(
        readonly=True, help="What went wrong may pass by itself: a task tries again."
    )
    last_contract_id = fields.Integer(readonly=True, help="Up to here it has come.")
    total_count = fields.Integer(string="Contracts", readonly=True)
    done_count = fields.Integer(string="Contracts looked at", readonly=True)
    progress = fields.Float(compute="_compute_progress", digits=(5, 1))
    charge_ids = fields.One2many("saperx.charge", "charging_id")
    charge_count = fields.Integer(string="Additionals made", readonly=True)
    held_count = fields.Integer(
        string="Of these held",
        readonly=True,
        help="Those that a rule kept from being confirmed by itself.",
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount = fields.Monetary(string="Amount of the additionals", readonly=True)

    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._("Charging run #%s", run.id)

    @api.depends(lambda self: self._get_filter_fields())
    @api.depends_context("lang")
    def _compute_filter_summary(self):
        for run in self:
            labels = run._get_filter_labels()
            run.filter_summary = " · ".join(labels) or self.env._(
                "Everything that is ripe"
            )

    @api.depends("done_count", "total_count", "state")
    def _compute_progress(self):
        for run in self:
            if run.state == "done":
                run.progress = 100.0
            else:
                run.progress = 100.0 * run.done_count / (run.total_count or 1)

    def action_retry(self):
        """Look at all contracts again: what was charged stays as it is."""
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may generate charges."))
        failed = self.sudo().filtered(lambda run: run.state == "failed")
        failed._begin_again()
        self._trigger_run()

    def action_view_charges(self):
        self.ensure_one()
        return self._get_charges_action([("charging_id", "=", self.id)])

    def action_view_held(self):
        self.ensure_one()
        return self._get_charges_action(
            [("charging_id", "=", self.id), ("state", "=", "draft")]
        )

    @api.model
    def _get_charges_action(self, domain):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_charge_action"
        )
        return {**action, "domain": domain, "context": {}}

    @api.model
    def _trigger_run(self):
        self.env.ref("saperx_voip.ir_cron_charge").sudo()._trigger()

    @api.model
    def _cron_run(self):
        """Do what was asked by hand, oldest first, also what a crash left."""
        until = time.monotonic() + get_working_seconds()
        by_hand = [("state", "in", OPEN_STATES), ("schedule_id", "=", False)]
        runs = self.search(by_hand, order="id")
        for place, run in enumerate(runs):
            # What goes wrong is told to whoever asked.
            run = run.with_context(lang=run.create_uid.lang)
            self.env["ir.cron"]._commit_progress(1, remaining=len(runs) - place)
            try:
                has_ended = run._proceed(until)
            except OperationalError as error:
                # Others hold these rows for long, or the database is going down.
                _logger.info("%s goes on later: %s", run.display_name, error)
                self.env.cr.rollback()
                return
            if not has_ended:
                self._trigger_run()
                break
        # Also where something is left: Odoo would go on at once, beyond its own limit.
        self.env["ir.cron"]._commit_progress(remaining=0)

    def _is_open(self):
        return self.state in OPEN_STATES

    def _proceed(self, until):
        """Charge portion by portion, each committed.

        :param float until: by ``time.monotonic()``: the rest is left to another call
        :return: whether it has come to its end
        """
        self.ensure_one()
        while self._is_open():
            try:
                retrying(self._charge_next, self.env)
            except OperationalError:
                raise
            except Exception:
                _logger.info("%s: one by one, after:", self.display_name, exc_info=True)
                self.env.cr.rollback()
                self._charge_apart()
            if time.monotonic() >= until:
                break
        return not self._is_open()

    def _charge_all(self):
        """All of it in the transaction of whoever asks. :return: the charges"""
        while self._is_open():
            self._charge_next()
        return self.charge_ids

    def _charge_next(self):
        if self.state == "waiting":
            self._start()
        contract_ids = self._get_next_contracts()
        if contract_ids:
            self._charge_contracts(contract_ids)
        else:
            self._finish()
        tell_forms(self)

    def _charge_apart(self):
        """One contract in trouble keeps no other from being charged."""
        for contract_id in retrying(self._get_next_contracts, self.env):
            try:
                retrying(partial(self._charge_contracts, [contract_id]), self.env)
            except OperationalError:
                raise
            except Exception as error:
                is_unexpected = not isinstance(error, UserError)
                if is_unexpected:
                    _logger.exception("A contract was not charged: %s", contract_id)
                self.env.cr.rollback()
                message = str(error)
                note = partial(self._note_failure, contract_id, message, is_unexpected)
                retrying(note, self.env)

    def _start(self):
        periods = self.env["saperx.line.period"].sudo()
        query = periods._search(self._get_scope().periods)
        [[total]] = self.env.execute_query(
            SQL(
                "SELECT count(DISTINCT contract_id) FROM saperx_line_period"
                " WHERE id IN %s",
                query.subselect(),
            )
        )
        self.write(
            {
                "state": "running",
                "started_at": fields.Datetime.now(),
                "total_count": total,
            }
        )

    def _get_next_contracts(self):
        return self._get_charges()._get_next_contracts(
            self._get_scope(), self.last_contract_id
        )

    def _charge_contracts(self, contract_ids):
        """Charges, and how far it has come: one transaction."""
        charge_model = self._get_charges().with_context(default_charging_id=self.id)
        charges = charge_model._charge_contracts(self._get_scope(), contract_ids)
        held = charges.filtered(lambda charge: charge.state == "draft")
        amount = sum(map(_exact, charges.mapped("amount")))
        self.write(
            {
                "last_contract_id": contract_ids[-1],
                "done_count": self.done_count + len(contract_ids),
                "charge_count": self.charge_count + len(charges),
                "held_count": self.held_count + len(held),
                "amount": _exact(self.amount) + amount,
            }
        )

    def _note_failure(self, contract_id, message, is_unexpected):
        contract = self.env["contract.contract"].browse(contract_id)
        self.write(
            {
                "last_contract_id": contract_id,
                "done_count": self.done_count + 1,
                "is_unexpected": self.is_unexpected or is_unexpected,
                "error": "\n".join(
                    filter(None, [self.error, f"{contract.display_name}: {message}"])
                ),
            }
        )

    def _finish(self):
        self.write(
            {
                "state": "failed" if self.error else "done",
                "ended_at": fields.Datetime.now(),
            }
        )

    def _begin_again(self):
        """Look at all contracts again; what was made so far stays counted."""
        self.write(
            {
                "state": "waiting",
                "error": False,
                "is_unexpected": False,
                "ended_at": False,
                "last_contract_id": 0,
                "done_count": 0,
            }
        )


class SaperxCharge(models.Model):
    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    charging_id = fields.Many2one(
        "saperx.charging",
        string="Charging run",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )


def _exact(amount):
    """An amount of two decimals, not the binary float that stands for it."""
    return Decimal(f"{amount:.2f}")
