# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class SaperxRemoteRecord(models.AbstractModel):
    """Something registered on the platform and mirrored here, read-only."""

    _name = "saperx.remote.record"
    _description = "Record mirrored from the platform"
    _order = "name, id"
    _check_company_auto = True

    name = fields.Char(required=True, readonly=True)
    active = fields.Boolean(default=True, readonly=True)
    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )
    remote_id = fields.Integer(
        string="Id on the platform", required=True, readonly=True
    )

    @api.model
    def _prepare_synced(self, remote):
        """:param remote: a record of the gateway; :return: values here"""
        return {"name": remote.name, "active": True}

    @api.model
    def _sync(self, integration, remotes):
        """Make this model match the platform's listing; what is gone is archived."""
        known = {
            record.remote_id: record
            for record in self.with_context(active_test=False).search(
                [("integration_id", "=", integration.id)]
            )
        }
        to_create = []
        for remote in remotes:
            values = self._prepare_synced(remote)
            record = known.pop(remote.remote_id, None)
            if record is None:
                to_create.append(
                    {
                        "integration_id": integration.id,
                        "remote_id": remote.remote_id,
                        **values,
                    }
                )
            elif any(record[name] != value for name, value in values.items()):
                record.write(values)
        self.create(to_create)
        gone = self.browse(record.id for record in known.values())
        gone.filtered("active").write({"active": False})
