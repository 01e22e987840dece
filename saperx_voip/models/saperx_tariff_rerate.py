# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class SaperxTariff(models.Model):
    """What a change of prices means for calls that are rated and not billed yet."""

    _inherit = "saperx.tariff"  # pylint: disable=consider-merging-classes-inherited

    recalculation_ids = fields.One2many("saperx.recalculation", "tariff_id")
    rates_changed_at = fields.Datetime(
        readonly=True, copy=False, help="When something that prices calls changed."
    )
    is_being_rated_again = fields.Boolean(
        compute="_compute_is_being_rated_again",
        compute_sudo=True,
        help="Its prices changed, and not all calls have the new ones yet.",
    )

    @api.depends("recalculation_ids.state", "recalculation_ids.origin")
    def _compute_is_being_rated_again(self):
        for tariff in self:
            runs = tariff.recalculation_ids.filtered(lambda r: r.origin == "rates")
            # One that failed is made good by a later one.
            tariff.is_being_rated_again = (
                any(run.state in ("waiting", "running") for run in runs)
                or runs.sorted("id")[-1:].state == "failed"
            )

    def _is_being_rated_again(self):
        """Whether cycles under these plans cannot be charged yet."""
        return any(self.mapped("is_being_rated_again"))

    def _rates_changed(self):
        """Something that prices calls of these plans is different now: have the calls
        that are not billed rated again, in the background.

        To be called in the transaction of the change, whose commit marks the plans
        too. A run that has begun may have rated calls by the old prices: it is
        followed by another.
        """
        if not self:
            return
        tariffs = self.sudo()
        tariffs.write({"rates_changed_at": fields.Datetime.now()})
        runs = self.env["saperx.recalculation"].sudo()
        pending = runs.search(
            [
                ("tariff_id", "in", self.ids),
                ("origin", "=", "rates"),
                ("state", "in", ("waiting", "failed")),
            ]
        )
        # One that begins at this moment is held by its own transaction.
        pending = pending.try_lock_for_update(allow_referencing=True)
        pending.filtered(lambda run: run.state == "failed")._begin_again()
        runs.create(
            [
                tariff._prepare_rerating()
                for tariff in tariffs - pending.tariff_id
                if tariff._has_calls_to_rate()
            ]
        )

    def _prepare_rerating(self):
        self.ensure_one()
        return {
            "origin": "rates",
            "tariff_id": self.id,
            "company_id": self.company_id.id,
            "with_unmatched": False,
        }

    def _has_calls_to_rate(self):
        self.ensure_one()
        rerating = self.env["saperx.recalculation"].new(self._prepare_rerating())
        domain = rerating._get_call_domain()
        return bool(self.env["saperx.cdr"].sudo().search_count(domain, limit=1))
