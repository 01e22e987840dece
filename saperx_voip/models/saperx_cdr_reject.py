# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import hashlib

from odoo import api, fields, models


class SaperxCdrReject(models.Model):
    """A call record that could not be read: kept once, with the reason."""

    _name = "saperx.cdr.reject"
    _description = "Rejected call record"
    _order = "id desc"
    _rec_name = "reason"

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
    digest = fields.Char(required=True, readonly=True)
    remote_id = fields.Char(string="Id on the platform", readonly=True)
    raw = fields.Text(string="Record", required=True, readonly=True)
    reason = fields.Char(required=True, readonly=True)

    _distinct = models.UniqueIndex("(integration_id, digest)")

    @api.model
    def _keep(self, integration, rejects):
        """Store those that are not kept yet.

        :param rejects: ``gateway.Reject`` records of one page
        """
        by_digest = {
            hashlib.sha256(reject.raw.encode(errors="replace")).hexdigest(): reject
            for reject in rejects
        }
        known = set(
            self.search(
                [
                    ("integration_id", "=", integration.id),
                    ("digest", "in", list(by_digest)),
                ]
            ).mapped("digest")
        )
        self.create(
            [
                {
                    "integration_id": integration.id,
                    "digest": digest,
                    "remote_id": _storable(reject.remote_id),
                    "raw": _storable(reject.raw),
                    "reason": _storable(reject.reason),
                }
                for digest, reject in by_digest.items()
                if digest not in known
            ]
        )


def _storable(text):
    """PostgreSQL takes no NUL and no lone surrogate."""
    if text is None:
        return False
    return (
        text.encode(errors="replace")
        .decode()
        .replace("\x00", "\N{REPLACEMENT CHARACTER}")
    )
