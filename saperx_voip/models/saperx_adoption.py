# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..forms import tell_forms

# So many circuits are adopted while a person waits; more of them in the background.
MOST_AT_ONCE = 20


class SaperxAdoption(models.Model):
    """Circuits of a platform that already runs become lines of contracts: one record an
    integration, kept, so that it is gone on with another day.

    Nothing is changed on the platform by it. Contracts are proposed
    (``saperx_adoption_matching.py``), a person says which circuits are adopted, and
    lines are made of these (``saperx_adoption_run.py``).
    """

    _name = "saperx.adoption"
    _description = "Adoption of a platform's lines"
    _rec_name = "integration_id"
    _order = "integration_id"
    _check_company_auto = True

    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        index=True,
        ondelete="cascade",
        readonly=True,
    )
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )
    charge_calls_from = fields.Datetime(
        required=True,
        help="Calls of the adopted lines that began earlier were charged by the "
        "previous system: they are stored and never charged here.",
    )
    tariff_id = fields.Many2one(
        "saperx.tariff",
        string="Billing plan",
        ondelete="restrict",
        check_company=True,
        help="Of the lines for which no other one is chosen. Empty: calls are stored "
        "and cost nothing.",
    )
    row_ids = fields.One2many("saperx.adoption.row", "adoption_id")
    proposed_at = fields.Datetime(string="Contracts proposed at", readonly=True)
    confirmed_by_id = fields.Many2one("res.users", readonly=True)
    confirmed_at = fields.Datetime(readonly=True)
    confirmed_count = fields.Integer(readonly=True)

    unknown_count = fields.Integer(
        string="Without a line", compute="_compute_unknown_count"
    )
    open_count = fields.Integer(string="To decide", compute="_compute_counts")
    certain_count = fields.Integer(string="Certain", compute="_compute_counts")
    likely_count = fields.Integer(string="Likely", compute="_compute_counts")
    possible_count = fields.Integer(string="Possible", compute="_compute_counts")
    none_count = fields.Integer(string="Nothing found", compute="_compute_counts")
    chosen_count = fields.Integer(string="Chosen", compute="_compute_counts")
    waiting_count = fields.Integer(string="Being adopted", compute="_compute_counts")
    adopted_count = fields.Integer(string="Adopted", compute="_compute_counts")
    failed_count = fields.Integer(string="Not adopted", compute="_compute_counts")
    progress = fields.Float(compute="_compute_counts", digits=(5, 1))

    _one_per_integration = models.UniqueIndex(
        "(integration_id)", "This integration has its adoption already."
    )

    @api.depends("integration_id")
    def _compute_unknown_count(self):
        for adoption in self:
            adoption.unknown_count = adoption.integration_id.unknown_circuit_count

    @api.depends(
        "row_ids.state", "row_ids.certainty", "row_ids.is_chosen", "confirmed_count"
    )
    def _compute_counts(self):
        by_state, by_certainty, chosen = {}, {}, {}
        for adoption, state, certainty, is_chosen, count in self.env[
            "saperx.adoption.row"
        ]._read_group(
            [("adoption_id", "in", self.ids)],
            ["adoption_id", "state", "certainty", "is_chosen"],
            ["__count"],
        ):
            key = adoption.id, state
            by_state[key] = by_state.get(key, 0) + count
            if state in ("open", "failed"):
                key = adoption.id, certainty
                by_certainty[key] = by_certainty.get(key, 0) + count
                if is_chosen:
                    chosen[adoption.id] = chosen.get(adoption.id, 0) + count
        for adoption in self:
            for state in ("waiting", "adopted", "failed"):
                adoption[f"{state}_count"] = by_state.get((adoption.id, state), 0)
            for certainty in ("certain", "likely", "possible", "none"):
                adoption[f"{certainty}_count"] = by_certainty.get(
                    (adoption.id, certainty), 0
                )
            adoption.open_count = by_state.get((adoption.id, "open"), 0)
            adoption.chosen_count = chosen.get(adoption.id, 0)
            done = adoption.confirmed_count - adoption.waiting_count
            adoption.progress = 100.0 * done / (adoption.confirmed_count or 1)

    @api.model
    def _get_for(self, integration):
        """The adoption of an integration, made at the first time."""
        adoption = self.search([("integration_id", "=", integration.id)])
        return adoption or self.create(
            {
                "integration_id": integration.id,
                "charge_calls_from": self._propose_beginning(integration),
            }
        )

    @api.model
    def _propose_beginning(self, integration):
        """From when on calls are charged here: as the integration says, else from the
        first call that there is, else from now on."""
        if integration.charge_calls_from:
            return integration.charge_calls_from
        [[first]] = self.env.execute_query(
            SQL(
                "SELECT min(start) FROM saperx_cdr WHERE integration_id = %s",
                integration.id,
            )
        )
        return first or fields.Datetime.now()

    def action_propose(self):
        """Look for the contracts of all circuits that have no line here."""
        self._check_may_adopt()
        for adoption in self:
            adoption._propose()
            tell_forms(adoption)

    def action_read_circuits(self):
        """Ask the platform anew which lines it has."""
        self.ensure_one()
        return self.integration_id.action_compare_lines()

    def action_choose_certain(self):
        """Choose every circuit whose contract is certain."""
        self._check_may_adopt()
        self.row_ids.filtered(
            lambda row: (
                row.state in ("open", "failed")
                and row.certainty == "certain"
                and row.contract_id
            )
        ).is_chosen = True

    def action_adopt(self):
        """Make lines of the circuits that were chosen: few at once, many in the
        background."""
        self.ensure_one()
        self._check_may_adopt()
        rows = self.row_ids.filtered(
            lambda row: row.is_chosen and row.state in ("open", "failed")
        )
        if not rows:
            raise UserError(
                self.env._("Choose circuits first: each with its contract.")
            )
        rows.write({"state": "waiting", "error": False})
        self.write(
            {
                "confirmed_by_id": self.env.uid,
                "confirmed_at": fields.Datetime.now(),
                "confirmed_count": self.waiting_count,
            }
        )
        if len(rows) <= MOST_AT_ONCE:
            self.with_env(self.sudo().env)._adopt_rows(rows)
            self._finish()
        else:
            self._trigger_run()
        tell_forms(self)

    def action_view_rows(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_adoption_row_action"
        )
        filters = {
            name: value
            for name, value in self.env.context.items()
            if name.startswith("search_default_")
        }
        domain = [("adoption_id", "=", self.id)]
        return {**action, "domain": domain, "context": filters}

    def _check_may_adopt(self):
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_manager"):
            raise AccessError(self.env._("Only managers may adopt lines."))
