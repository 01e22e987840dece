# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models

from .saperx_audit_violation import KINDS


class SaperxAuditCheck(models.Model):
    """What one rule of an audit looked at, and how often it was broken."""

    _name = "saperx.audit.check"
    _description = "Rule of an audit"
    # What was broken is seen without scrolling.
    _order = "audit_id desc, violation_count desc nulls last, id"
    _rec_name = "kind"
    _log_access = False

    audit_id = fields.Many2one(
        "saperx.audit", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="audit_id.company_id", store=True, index=True, readonly=True
    )
    kind = fields.Selection(KINDS, string="Rule", required=True, readonly=True)
    step = fields.Char(required=True, readonly=True)
    checked_count = fields.Integer(string="Records checked", readonly=True)
    violation_count = fields.Integer(string="Broken", readonly=True)

    def action_view_violations(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_audit_violation_action"
        )
        domain = [("audit_id", "=", self.audit_id.id), ("kind", "=", self.kind)]
        return {**action, "domain": domain, "context": {}}
