# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models
from odoo.fields import Domain

from .saperx_spreadsheet_mixin import IMPORTING, asked_names


class ContractContract(models.Model):
    """How spreadsheets of lines name a contract."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _search_display_name(self, operator, value):
        """By its name, else its code, else its customer's name or document."""
        named = super()._search_display_name(operator, value)
        names = asked_names(operator, value)
        if not self.env.context.get(IMPORTING) or names is None:
            return named
        for domain in (named, Domain("code", "in", names)):
            if self.search_count(domain, limit=1):
                return domain
        documents = {
            "".join(char for char in name if char.isalnum()) for name in names
        } | set(names)
        return Domain("partner_id.name", "in", names) | Domain(
            "partner_id.vat", "in", list(documents)
        )
