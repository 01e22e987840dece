# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..gateway import GatewayError, Reject

# What the platform said so long ago is shown without asking again, and whoever
# presses the button waits no longer than this for it.
FRESH = timedelta(minutes=5)
PATIENCE_SECONDS = 8


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


class SaperxIntegration(models.Model):
    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    def _refresh_free_numbers(self):
        """Let the stock know of the platform's free numbers.

        :return: why it could not be done; False if it was
        """
        self.ensure_one()
        recent = self.env["saperx.number"].search_count(
            [
                ("integration_id", "=", self.id),
                ("compared_at", ">", fields.Datetime.now() - FRESH),
            ],
            limit=1,
        )
        if recent or not self.active:
            return False
        try:
            with self._get_client() as client, client.deadline(PATIENCE_SECONDS):
                free = [
                    did
                    for did in client.iter_dids(in_use=False)
                    if not isinstance(did, Reject)
                ]
        except GatewayError as error:
            return self._explain(error, self.env.user)
        # Those in use were not asked for: nothing counts as missing.
        self._store_reported_numbers(free, True)
        return False
