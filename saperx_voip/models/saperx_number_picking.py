# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models
from odoo.exceptions import UserError


class SaperxNumber(models.Model):
    """*List*: the numbers that somebody may pick for a line."""

    _inherit = "saperx.number"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def prepare_picking(self, integration_id, contract_id, line_id):
        """Ask the platform for its free numbers; say what may be picked.

        :param line_id: False for a line that is not saved yet
        :return: dict of ``domain`` (list) and ``warning`` (text, or False): what the
            platform has to say is shown as it was, if it does not answer
        """
        self._check_technician()
        values = {"integration_id": integration_id, "contract_id": contract_id}
        lines = self.env["saperx.line"]
        line = lines.browse(line_id) if line_id else lines.new(values)
        line.check_access("read")
        if not line.contract_id or not line.integration_id:
            raise UserError(self.env._("Choose contract and integration first."))
        warning = line.integration_id._refresh_free_numbers()
        return {"domain": list(self._pickable_domain(line)), "warning": warning}
