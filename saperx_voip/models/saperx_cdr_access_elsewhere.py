# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Call details that stand elsewhere than on the call: looking leaves the same trace."""

from odoo import models


class SaperxCdrChange(models.Model):
    """Whoever opens a correction opens its call."""

    _inherit = "saperx.cdr.change"  # pylint: disable=consider-merging-classes-inherited

    # It writes when a form opens: a replica could not.
    def web_read(self, specification):
        return super().web_read(specification)

    web_read._readonly = False

    def _read_format(self, fnames, load="_classic_read"):
        if not self.env.su and {"comparison", "caller", "callee"} & set(fnames):
            self.env["saperx.cdr.access"]._note(self.sudo().call_id.exists(), "form")
        return super()._read_format(fnames, load)


class SaperxCdrReject(models.Model):
    """The text of a record holds both numbers. Of whose line nobody can tell."""

    _inherit = "saperx.cdr.reject"  # pylint: disable=consider-merging-classes-inherited

    def web_read(self, specification):
        return super().web_read(specification)

    web_read._readonly = False

    def _read_format(self, fnames, load="_classic_read"):
        if not self.env.su and {"raw", "corrected"} & set(fnames):
            for company in self.sudo().company_id:
                self.env["saperx.cdr.access"]._store(
                    company, "list", [(0, None, None)], 0
                )
        return super()._read_format(fnames, load)


class SaperxSentinelCall(models.Model):
    """What an alert is founded on are calls of its line."""

    _inherit = "saperx.sentinel.call"  # pylint: disable=consider-merging-classes-inherited

    def _read_format(self, fnames, load="_classic_read"):
        if not self.env.su and {"shown_number", "other_party"} & set(fnames):
            for company, calls in self.sudo().grouped("company_id").items():
                for line in calls.line_id:
                    self.env["saperx.cdr.access"]._store(
                        company, "list", [(0, None, line.id)], 0
                    )
        return super()._read_format(fnames, load)


class SaperxFraudAlert(models.Model):
    _inherit = "saperx.fraud.alert"  # pylint: disable=consider-merging-classes-inherited

    # Its form reads calls, which is written down.
    def web_read(self, specification):
        return super().web_read(specification)

    web_read._readonly = False
