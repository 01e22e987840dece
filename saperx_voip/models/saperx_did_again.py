# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models
from odoo.exceptions import UserError


class SaperxDid(models.Model):
    """How a line that comes back takes its numbers again."""

    _inherit = "saperx.did"  # pylint: disable=consider-merging-classes-inherited

    def _explain_not_again(self):
        """Why the line that had this number cannot have it again, or None."""
        self.ensure_one()
        did = self.sudo()
        number = did._format_number(did.number)
        if did.is_ported:
            return self.env._(
                "%s was ported in and has left: it needs a new portability.", number
            )
        holder = did.search(
            [
                ("integration_id", "=", did.integration_id.id),
                ("number", "=", did.number),
                ("active", "=", True),
            ],
            limit=1,
        )
        if holder:
            return self.env._(
                "%(number)s is on the line of %(customer)s by now.",
                number=number,
                customer=holder.line_id.partner_id.display_name,
            )
        if not did.company_id._has_number_ranges():
            return None
        record = self.env["saperx.number"].sudo()
        record = record.search(
            [("company_id", "=", did.company_id.id), ("number", "=", did.number)]
        )
        try:
            did._check_claim(did.line_id, did.number, record)
        except UserError as error:
            return str(error)
        return None

    def _prepare_again(self):
        """Values by which the line takes the number again."""
        self.ensure_one()
        return {
            "line_id": self.line_id.id,
            "number": f"+{self.number}",
            "is_main": self.is_main,
            "monthly_fee": self.monthly_fee,
            "accept_collect_calls": self.accept_collect_calls,
            "city": self.city,
            "state_code": self.state_code,
        }
