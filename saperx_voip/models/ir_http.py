# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def session_info(self):
        """Tells the web client whether to show what only telephony's users need."""
        is_user = self.env.user.has_group("saperx_voip.group_user")
        return {**super().session_info(), "is_saperx_user": is_user}
