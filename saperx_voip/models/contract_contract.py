# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

# Who reads contracts without a role here reads them as ever.
ROLES = "saperx_voip.group_user"


class ContractContract(models.Model):
    _inherit = "contract.contract"

    # Whoever works on lines reads contracts, but neither journals nor their items.
    currency_id = fields.Many2one(compute_sudo=True)
    pricelist_id_domain = fields.Binary(compute_sudo=True)
    invoice_count = fields.Integer(compute_sudo=True)
    saperx_line_ids = fields.One2many(
        "saperx.line", "contract_id", string="SIP lines", groups=ROLES
    )
    saperx_line_count = fields.Integer(compute="_compute_saperx_counts", groups=ROLES)
    saperx_charge_count = fields.Integer(compute="_compute_saperx_counts", groups=ROLES)
    saperx_amount_to_invoice = fields.Monetary(
        compute="_compute_saperx_counts", groups=ROLES
    )

    def _compute_saperx_counts(self):
        def count(model, domain, aggregate="__count"):
            return dict(
                self.env[model]._read_group(
                    [("contract_id", "in", self.ids), *domain],
                    ["contract_id"],
                    [aggregate],
                )
            )

        lines = count("saperx.line", [])
        charges = count("saperx.charge", [("state", "!=", "cancelled")])
        amounts = count("saperx.charge", [("state", "=", "confirmed")], "amount:sum")
        for contract in self:
            contract.saperx_line_count = lines.get(contract, 0)
            contract.saperx_charge_count = charges.get(contract, 0)
            contract.saperx_amount_to_invoice = amounts.get(contract, 0.0)

    def write(self, vals):
        if "company_id" in vals:
            self._check_lines_stay(vals["company_id"])
        own_payers = self.browse()
        if "partner_id" in vals and "invoice_partner_id" not in vals:
            own_payers = self._get_paid_by_own_customer()
        res = super().write(vals)
        if "partner_id" in vals:
            own_payers._follow_customer_with_payer()
            self.env["saperx.line.period"].sudo()._follow_customers(self)
            self.sudo().saperx_line_ids._raise_revision()
        return res

    def _get_paid_by_own_customer(self):
        """Those with telephony whose invoices go to the customer's own address."""
        return self.filtered(
            lambda contract: (
                contract.sudo().saperx_line_ids
                and contract.invoice_partner_id.commercial_partner_id
                == contract.partner_id.commercial_partner_id
            )
        )

    def _follow_customer_with_payer(self):
        """What OCA's form does by an onchange, also where no form is used: otherwise
        the new customer's calls would be invoiced to the former one."""
        for contract in self:
            customer = contract.partner_id
            if contract.invoice_partner_id.commercial_partner_id != (
                customer.commercial_partner_id
            ):
                contract.invoice_partner_id = customer.address_get(["invoice"])[
                    "invoice"
                ]

    def _check_lines_stay(self, company_id):
        """Lines live on their company's platform, and stay with its contracts."""
        moved = self.filtered(lambda contract: contract.company_id.id != company_id)
        for contract in moved.filtered(lambda c: c.sudo().saperx_line_ids):
            raise UserError(
                self.env._(
                    "The contract “%s” has SIP lines: it stays with its company.",
                    contract.display_name,
                )
            )

    @api.constrains("manual_currency_id", "journal_id", "pricelist_id")
    def _check_saperx_currency(self):
        for contract in self:
            own = contract.company_id.currency_id
            alive = contract.sudo().saperx_line_ids.filtered(
                lambda line: line.state != "cancelled"
            )
            if alive and contract.currency_id != own:
                raise ValidationError(
                    self.env._(
                        "The contract “%(contract)s” has SIP lines, whose calls are "
                        "priced in %(currency)s: it cannot be in another currency.",
                        contract=contract.display_name,
                        currency=own.name,
                    )
                )

    def action_new_saperx_line(self):
        """Open a new line's own form: it is never written through the contract."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New SIP line"),
            "res_model": "saperx.line",
            "views": [(False, "form")],
            "context": {"default_contract_id": self.id},
        }

    def _get_saperx_action(self, xmlid):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(xmlid)
        return {**action, "domain": [("contract_id", "=", self.id)], "context": {}}

    def action_view_saperx_calls(self):
        return self._get_saperx_action("saperx_voip.saperx_cdr_action")

    def action_view_saperx_charges(self):
        return self._get_saperx_action("saperx_voip.saperx_charge_action")
