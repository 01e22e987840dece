# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time
from collections import Counter

from markupsafe import Markup
from psycopg2 import OperationalError

from odoo import SUPERUSER_ID, Command, api, fields, models
from odoo.exceptions import AccessError
from odoo.service.model import retrying
from odoo.tools import SQL

from ..audit import LISTED, STEPS, Violation
from ..forms import tell_forms

_logger = logging.getLogger(__name__)

ACTIVITY = "saperx_voip.mail_activity_audit"
OPEN_STATES = ("waiting", "running")


class SaperxAudit(models.Model):
    """*Conferência*: whether calls, charges and invoices of a company agree.

    It works in the background, some records a transaction, and is kept. Killed
    anywhere, it goes on from there. It only reads what it looks at.
    """

    _name = "saperx.audit"
    _description = "Audit of calls, charges and invoices"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _mail_post_access = "read"
    _order = "id desc"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.company,
    )
    origin = fields.Selection(
        [("hand", "By hand"), ("schedule", "Every night")],
        string="Why",
        required=True,
        readonly=True,
        default="hand",
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("running", "Checking"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    result = fields.Selection(
        [("agrees", "Everything agrees"), ("broken", "Something is wrong")],
        compute="_compute_result",
        store=True,
    )
    started_at = fields.Datetime(readonly=True)
    ended_at = fields.Datetime(readonly=True)
    seconds = fields.Float(
        string="Duration (s)", digits=(16, 1), readonly=True, help="Time at work."
    )
    error = fields.Text(readonly=True)
    step = fields.Char(readonly=True, help="What it goes on with.")
    last_id = fields.Integer(readonly=True, help="Up to here it has come.")
    check_ids = fields.One2many(
        "saperx.audit.check", "audit_id", string="Rules", readonly=True
    )
    violation_ids = fields.One2many(
        "saperx.audit.violation", "audit_id", string="What was found", readonly=True
    )
    violation_count = fields.Integer(string="Findings", readonly=True)
    listed_count = fields.Integer(
        string="Findings listed",
        readonly=True,
        help="Of one kind, a thousand at most are listed; all are counted.",
    )
    call_count = fields.Integer(string="Calls", readonly=True)
    charge_count = fields.Integer(string="Additionals", readonly=True)
    reject_count = fields.Integer(
        string="Rejected records to be solved",
        readonly=True,
        help="Calls that could not be read are in no additional as yet.",
    )
    unmatched_count = fields.Integer(string="Calls without a line", readonly=True)
    unrated_count = fields.Integer(string="Calls without a price", readonly=True)
    correction_count = fields.Integer(
        string="Corrections to be looked at", readonly=True
    )

    def _compute_display_name(self):
        for audit in self:
            audit.display_name = self.env._("Audit #%s", audit.id)

    @api.depends("state", "violation_count")
    def _compute_result(self):
        for audit in self:
            result = "broken" if audit.violation_count else "agrees"
            audit.result = result if audit.state == "done" else False

    @api.model
    def action_start(self):
        """*Conferir agora*: look at the user's company, and show how it goes."""
        self._check_billing()
        company = self.env.company
        audit = self.search(
            [("company_id", "=", company.id), ("state", "in", OPEN_STATES)], limit=1
        )
        audit = audit or self.sudo().create({"company_id": company.id})
        self._trigger_run()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": audit.id,
            "views": [(False, "form")],
        }

    def action_retry(self):
        """Go on where it failed."""
        self._check_billing()
        self.check_access("read")
        for audit in self.sudo().filtered(lambda audit: audit.state == "failed"):
            state = "running" if audit.started_at else "waiting"
            audit.write({"state": state, "error": False, "ended_at": False})
        self._trigger_run()

    def action_view_violations(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_audit_violation_action"
        )
        return {**action, "domain": [("audit_id", "=", self.id)], "context": {}}

    def _check_billing(self):
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may audit."))

    @api.model
    def _trigger_run(self):
        self.env.ref("saperx_voip.ir_cron_audit").sudo()._trigger()

    @api.model
    def _cron_start(self):
        """Every night: an audit of each company that has an integration."""
        integrations = self.env["saperx.integration"].with_context(active_test=False)
        # What a former audit has not come to the end of is gone on with.
        busy = self.search([("state", "in", OPEN_STATES)]).company_id
        companies = integrations.search([]).company_id - busy
        self.create(
            [
                {"company_id": company.id, "origin": "schedule"}
                for company in companies.sorted("id")
            ]
        )
        self._trigger_run()

    @api.model
    def _cron_run(self):
        """Do what waits, oldest first, also what a crash left, piece by piece."""
        audits = self.search([("state", "in", OPEN_STATES)], order="id")
        while audits and audits[0]._proceed():
            audits = audits.filtered(lambda audit: audit.state in OPEN_STATES)
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(audits)):
                break

    def _proceed(self):
        """Do the next piece and commit it; trouble is kept where people see it.

        :return: whether to go on now
        """
        self.ensure_one()
        try:
            retrying(self._do_piece, self.env)
        except OperationalError as error:
            # The database is going down, or somebody locks tables.
            _logger.info("%s goes on later: %s", self.display_name, error)
            self.env.cr.rollback()
            return False
        except Exception as error:
            _logger.exception("%s stopped", self.display_name)
            self.env.cr.rollback()
            message = str(error)
            retrying(lambda: self._fail(message), self.env)
        return True

    def _do_piece(self):
        if self.state == "waiting":
            self._start()
        elif not self._check_next():
            self._finish()
        tell_forms(self)

    def _start(self):
        self.write(
            {
                "state": "running",
                "started_at": fields.Datetime.now(),
                "step": STEPS[0].name,
                "last_id": 0,
                "check_ids": [
                    Command.create({"kind": kind, "step": step.name})
                    for step in STEPS
                    for kind in step.kinds
                ],
            }
        )

    def _check_next(self):
        """Look at the next records.

        :return: whether there were any left
        """
        names = [step.name for step in STEPS]
        for step in STEPS[names.index(self.step) :]:
            last_id = self.last_id if step.name == self.step else 0
            if batch := self._look(step, self.company_id, last_id):
                self._keep(step, *batch)
                return True
        return False

    def _keep(self, step, last_id, checked, violations, totals, seconds):
        """Write what was found beside how far it has come: one transaction."""
        checks = self.check_ids.filtered(lambda check: check.step == step.name)
        listed = Counter(
            dict(
                self.env["saperx.audit.violation"]._read_group(
                    [("audit_id", "=", self.id)], ["kind"], ["__count"]
                )
            )
        )
        for check in checks:
            check.checked_count += checked
            check.violation_count += totals[check.kind]
        values = []
        for violation in violations:
            listed[violation.kind] += 1
            if listed[violation.kind] <= LISTED:
                values.append(self._prepare_violation(violation))
        self.env["saperx.audit.violation"].create(values)
        self.write(
            {
                "step": step.name,
                "last_id": last_id,
                "seconds": self.seconds + seconds,
                "violation_count": self.violation_count + totals.total(),
                "listed_count": self.listed_count + len(values),
            }
        )

    def _prepare_violation(self, violation):
        return {
            "audit_id": self.id,
            "kind": violation.kind,
            "model": violation.model,
            "record_id": violation.record_id,
            "field_name": violation.field,
            "detail": violation.detail,
            "expected_value": violation.expected,
            "found_value": violation.found,
        }

    def _finish(self):
        checked = {check.step: check.checked_count for check in self.check_ids}
        own = [("company_id", "=", self.company_id.id)]
        count = {
            name: self.env[model].sudo().search_count([*own, ("state", "=", state)])
            for name, model, state in (
                ("reject_count", "saperx.cdr.reject", "open"),
                ("unmatched_count", "saperx.cdr", "unmatched"),
                ("unrated_count", "saperx.cdr", "unrated"),
                ("correction_count", "saperx.cdr.change", "open"),
            )
        }
        self.write(
            {
                "state": "done",
                "ended_at": fields.Datetime.now(),
                "call_count": checked["calls"],
                "charge_count": checked["charges"],
                **count,
            }
        )
        self._tell_billing()

    def _tell_billing(self):
        """The latest audit of a company speaks for all before it."""
        former = self.search([("company_id", "=", self.company_id.id)])
        former.activity_unlink([ACTIVITY])
        if self.origin != "schedule" or not self.violation_count:
            return
        for user in self._get_told_users():
            told = self.with_context(lang=user.lang)
            told.activity_schedule(ACTIVITY, note=told._summarise(), user_id=user.id)

    def _get_told_users(self):
        """Whom the company names, else everybody of billing."""
        company = self.company_id
        named = company.saperx_audit_user_id
        users = named or self.env.ref("saperx_voip.group_billing").all_user_ids
        return users.filtered(
            lambda user: (
                user.active
                and user.id != SUPERUSER_ID
                and company in user.company_ids
                and user.has_group("saperx_voip.group_billing")
            )
        )

    def _summarise(self):
        """What it found, by kind, as HTML."""
        kinds = dict(
            self.env["saperx.audit.check"]
            ._fields["kind"]
            ._description_selection(self.env)
        )
        return Markup("<p>%s</p><ul>%s</ul>") % (
            self.env._("The audit of calls, additionals and invoices found:"),
            Markup().join(
                Markup("<li>%s: %s</li>") % (kinds[check.kind], check.violation_count)
                for check in self.check_ids
                if check.violation_count
            ),
        )

    def _fail(self, message):
        self.write(
            {"state": "failed", "error": message, "ended_at": fields.Datetime.now()}
        )
        tell_forms(self)

    @api.model
    def _find_violations(self, company):
        """Look at all records of a company now, in one transaction.

        :return: a list of ``Violation``; empty if everything agrees. Of one kind in one
            batch, no more than ``LISTED``.
        """
        self.env.flush_all()
        found = []
        for step in STEPS:
            last_id = 0
            while batch := self._look(step, company, last_id):
                last_id, _checked, violations, *_rest = batch
                found += violations
        return found

    @api.model
    def _look(self, step, company, after_id):
        """Look at the next records of a step.

        :return: the last id looked at, how many records, the violations told, how many
            there are by kind, and the seconds that it took; None if there are no more
        """
        began = time.monotonic()
        [[first_id, greatest_id]] = self.env.execute_query(
            SQL(
                "SELECT min(id), max(id) FROM %s WHERE id > %s",
                SQL.identifier(step.table),
                after_id,
            )
        )
        if first_id is None:
            return None
        last_id = min(greatest_id, first_id + step.batch - 1)
        bounds = company.id, first_id, last_id
        [[checked]] = self.env.execute_query(step.count_query(*bounds))
        violations, totals = [], Counter()
        for model, query in step.queries:
            for kind, *values, total in self.env.execute_query(query(*bounds, LISTED)):
                violations.append(Violation(kind, model, *values))
                totals[kind] = total
        return last_id, checked, violations, totals, time.monotonic() - began
