# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class SaperxGroup(models.Model):
    """A group that lines can belong to on the platform."""

    _name = "saperx.group"
    _description = "Platform group"
    _inherit = "saperx.remote.record"

    _remote_unique = models.UniqueIndex("(integration_id, remote_id)")
