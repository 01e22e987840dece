# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

# Fees that run or will, on contracts that do; and by SIP line the fees that it lives
# by, with their successors.
FEES = """
    WITH RECURSIVE running AS (
        SELECT fee.id, fee.contract_id, fee.product_id, fee.is_did_fee,
               fee.saperx_did_id
        FROM contract_line AS fee
        JOIN contract_contract AS contract ON contract.id = fee.contract_id
        WHERE contract.active AND contract.contract_type = 'sale'
        AND (contract.is_terminated IS NOT TRUE OR contract.terminate_date > %(today)s)
        AND fee.is_canceled IS NOT TRUE AND fee.display_type IS NULL
        AND fee.is_telephony IS NOT TRUE
        AND (
            fee.date_end IS NULL OR fee.date_end >= %(today)s OR fee.is_auto_renew
            OR fee.manual_renew_needed AND fee.successor_contract_line_id IS NULL
        )
    ), lived_by AS (
        SELECT line.id AS line_id, line.state, line.contract_line_id AS fee_id
        FROM saperx_line AS line WHERE line.contract_line_id IS NOT NULL
        UNION
        SELECT lived_by.line_id, lived_by.state, fee.successor_contract_line_id
        FROM lived_by JOIN contract_line AS fee ON fee.id = lived_by.fee_id
        WHERE fee.successor_contract_line_id IS NOT NULL
    ), telephony AS (
        SELECT running.id, running.contract_id
        FROM running
        JOIN product_product AS product ON product.id = running.product_id
        JOIN product_template AS template ON template.id = product.product_tmpl_id
        WHERE template.is_telephony_fee AND running.is_did_fee IS NOT TRUE
    )
"""
LINES_WITHOUT_FEE = """
    SELECT line.id FROM saperx_line AS line
    WHERE line.state IN ('active', 'inactive')
    AND NOT EXISTS (
        SELECT FROM lived_by JOIN running ON running.id = lived_by.fee_id
        WHERE lived_by.line_id = line.id
    )
    AND (
        line.contract_line_id IS NOT NULL
        OR NOT EXISTS (
            SELECT FROM telephony WHERE telephony.contract_id = line.contract_id
        )
    )
"""
FEES_WITHOUT_LINE = """
    SELECT running.id FROM running
    WHERE CASE
        WHEN running.is_did_fee THEN NOT EXISTS (
            SELECT FROM saperx_did AS did
            JOIN saperx_line AS line ON line.id = did.line_id
            WHERE did.id = running.saperx_did_id AND did.active
            AND line.state <> 'cancelled' AND line.contract_id = running.contract_id
        )
        WHEN EXISTS (SELECT FROM lived_by WHERE fee_id = running.id) THEN NOT EXISTS (
            SELECT FROM lived_by
            WHERE fee_id = running.id AND state <> 'cancelled'
        )
        ELSE running.id IN (SELECT id FROM telephony) AND NOT EXISTS (
            SELECT FROM saperx_line AS line
            WHERE line.contract_id = running.contract_id
            AND line.state <> 'cancelled' AND line.contract_line_id IS NULL
        )
    END
"""


def _query(env, text):
    """One of the lists above, of today."""
    env.flush_all()
    return SQL(f"({FEES}{text})", today=env.company._get_telephony_today())


class ProductTemplate(models.Model):
    _inherit = "product.template"  # pylint: disable=consider-merging-classes-inherited

    is_telephony_fee = fields.Boolean(
        string="Monthly fee of telephony",
        help="A contract that sells it sells a SIP line. So lines without a fee, and "
        "fees without a line, are found also where nobody linked the two.",
    )


class SaperxLine(models.Model):
    """Lines that nobody pays a fee for."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    lacks_fee = fields.Boolean(
        string="Without a fee",
        compute="_compute_lacks_fee",
        search="_search_lacks_fee",
        help="It is linked to no recurring fee that runs, and its contract sells no "
        "product marked as monthly fee of telephony.",
    )

    def _compute_lacks_fee(self):
        lacking = self.search([("id", "in", self.ids), ("lacks_fee", "=", True)])
        for line in self:
            line.lacks_fee = line in lacking

    def _search_lacks_fee(self, operator, value):
        if operator != "in":
            return NotImplemented
        found = _query(self.env, LINES_WITHOUT_FEE)
        return [("id", "in" if True in value else "not in", found)]

    def action_link_fee(self):
        """Link each line to the one recurring fee of its contract that is free."""
        self.check_access("write")
        for line in self:
            fees = line._get_free_fees()
            if len(fees) != 1:
                raise UserError(
                    self.env._(
                        "The line %(line)s: the contract has %(count)s recurring fees "
                        "that no line lives by. Choose one on the line, or add one to "
                        "the contract.",
                        line=line.display_name,
                        count=len(fees),
                    )
                )
            line.contract_line_id = fees.id

    def _get_free_fees(self):
        """Recurring fees of the contract that no living line has, those of a product
        marked as telephony first."""
        self.ensure_one()
        contract = self.contract_id.sudo()
        today = contract.company_id._get_telephony_today()
        taken = contract.saperx_line_ids.filtered(
            lambda line: line.state != "cancelled"
        ).contract_line_id
        fees = contract._get_life_lines().filtered(
            lambda fee: (
                fee not in taken
                and not fee.successor_contract_line_id
                and not fee._is_dead(today)
            )
        )
        marked = fees.filtered("product_id.is_telephony_fee")
        return (marked or fees).with_env(self.env)

    def action_open_contract(self):
        self.ensure_one()
        return self.contract_id.action_open_for_telephony()


class ContractLine(models.Model):
    """Fees of telephony that no line lives by."""

    _inherit = "contract.line"  # pylint: disable=consider-merging-classes-inherited

    is_fee_without_line = fields.Boolean(
        string="Fee without a line",
        compute="_compute_is_fee_without_line",
        search="_search_is_fee_without_line",
    )

    def _compute_is_fee_without_line(self):
        found = self.search(
            [("id", "in", self.ids), ("is_fee_without_line", "=", True)]
        )
        for line in self:
            line.is_fee_without_line = line in found

    def _search_is_fee_without_line(self, operator, value):
        if operator != "in":
            return NotImplemented
        found = _query(self.env, FEES_WITHOUT_LINE)
        return [("id", "in" if True in value else "not in", found)]

    def action_end_fee_without_line(self):
        """End these fees today, or with what is invoiced of them."""
        self.check_access("write")
        for line in self:
            if not line.is_fee_without_line:
                raise UserError(
                    self.env._("A SIP line lives by “%s” again.", line.name)
                )
            today = line.contract_id.company_id._get_telephony_today()
            line._stop_at(today, True)
            line.contract_id.message_post(
                body=self.env._("Fee without a line ended: %s.", line.name)
            )

    def action_new_line_of_fee(self):
        """Open a new SIP line that lives by this fee."""
        self.ensure_one()
        if not self.env.user.has_group("saperx_voip.group_technician"):
            raise AccessError(self.env._("Only technicians make lines."))
        action = self.contract_id.action_new_saperx_line()
        action["context"]["default_contract_line_id"] = self.id
        return action

    def action_open_contract(self):
        self.ensure_one()
        return self.contract_id.action_open_for_telephony()


class ContractContract(models.Model):
    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    def action_open_for_telephony(self):
        self.ensure_one()
        view = self.env.ref("contract.contract_contract_customer_form_view")
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "views": [(view.id, "form")],
        }


class SaperxIntegration(models.Model):
    _inherit = "saperx.integration"

    line_without_fee_count = fields.Integer(compute="_compute_fee_gap_counts")
    fee_without_line_count = fields.Integer(
        compute="_compute_fee_gap_counts", help="Of the company."
    )

    def _compute_fee_gap_counts(self):
        lines = dict(
            self.env["saperx.line"]._read_group(
                [("integration_id", "in", self.ids), ("lacks_fee", "=", True)],
                ["integration_id"],
                ["__count"],
            )
        )
        fees = dict(
            self.env["contract.line"]._read_group(
                Domain("contract_id.company_id", "in", self.company_id.ids)
                & Domain("is_fee_without_line", "=", True),
                ["contract_id"],
                ["__count"],
            )
        )
        for integration in self:
            integration.line_without_fee_count = lines.get(integration, 0)
            integration.fee_without_line_count = sum(
                count
                for contract, count in fees.items()
                if contract.company_id == integration.company_id
            )

    def action_view_lines_without_fee(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_line_without_fee_action"
        )
        domain = [("integration_id", "=", self.id), ("lacks_fee", "=", True)]
        return {**action, "domain": domain}

    def action_view_fees_without_line(self):
        return self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.contract_line_without_line_action"
        )
