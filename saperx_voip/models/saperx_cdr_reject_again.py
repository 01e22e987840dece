# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import AccessError, LockError, UserError

from ..gateway import Reject
from .saperx_cdr_reject import _storable
from .unconstrained_many2one import UnconstrainedMany2one


class SaperxCdrReject(models.Model):
    """*Processar de novo*: after an update that understands the record, or after a
    manager corrected it. What the platform sent stays beside the correction."""

    _inherit = "saperx.cdr.reject"  # pylint: disable=consider-merging-classes-inherited

    corrected = fields.Text(
        string="Corrected record",
        help="Processed instead of what the platform sent, which stays as it came. "
        "The call's id cannot be another one.",
    )
    corrected_at = fields.Datetime(readonly=True)
    corrected_by_id = UnconstrainedMany2one("res.users", readonly=True)
    tried_at = fields.Datetime(string="Last processed at", readonly=True)
    tried_by_id = UnconstrainedMany2one(
        "res.users", string="Last processed by", readonly=True
    )

    def write(self, vals):
        if not self.env.su and set(vals) - {"corrected"}:
            raise AccessError(
                self.env._("Of a rejected record only the correction is written.")
            )
        if "corrected" in vals:
            if any(reject.state != "open" for reject in self):
                raise UserError(
                    self.env._("This record is solved: there is nothing to correct.")
                )
            text = (vals["corrected"] or "").strip()
            # Whoever takes the correction back leaves a trace as well.
            vals = {
                **vals,
                "corrected": _storable(text) if text else False,
                "corrected_at": fields.Datetime.now(),
                "corrected_by_id": self.env.uid,
            }
        return super().write(vals)

    def action_correct(self):
        """Begin a correction with what the platform sent."""
        self.ensure_one()
        if not self.corrected:
            self.corrected = self.raw

    def action_process_again(self):
        """Read these records again, and bring in those that can be read now."""
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(
                self.env._("Only billing may process rejected records again.")
            )
        rejects = self.sudo().filtered(lambda reject: reject.state == "open")
        if not rejects:
            raise UserError(self.env._("These records are solved already."))
        try:
            # Whoever comes second waits for nothing, and brings nothing in twice.
            rejects.lock_for_update()
        except LockError as error:
            raise UserError(
                self.env._("These records are being processed by somebody else.")
            ) from error
        solved = sum(
            some._process_again(integration)
            for integration, some in rejects.grouped("integration_id").items()
        )
        return rejects.integration_id[:1]._notify(
            self.env._(
                "%(solved)s of %(count)s records brought in; the others say what is "
                "wrong with them.",
                solved=solved,
                count=len(rejects),
            )
            if solved < len(rejects)
            else self.env._("%s records brought in.", solved)
        )

    def _process_again(self, integration):
        """As ``action_process_again``, for one integration: in a run of its own, so
        that the counts of the runs go on adding up.

        :return: how many could be read
        """
        calls, rejected = {}, {}
        for reject in self.sorted("id"):
            record = integration._read_call(reject.corrected or reject.raw)
            if isinstance(record, Reject):
                text = reject.corrected or reject.raw
                rejected[reject] = reject._prepare_why(record, text)
            elif problem := reject._get_objection(record, calls):
                rejected[reject] = {
                    "problem": problem,
                    "field_name": "id",
                    "found": _storable(record.remote_id),
                    "reason": f"id: {problem}",
                }
            else:
                calls[record.remote_id] = record
        run = self._make_run(integration, calls.values())
        new, changed, unmatched = run._merge(list(calls.values()))
        now = fields.Datetime.now()
        run.write(
            {
                "read_count": len(self),
                "new_count": new,
                "changed_count": changed,
                "known_count": len(self) - len(rejected) - new - changed,
                "rejected_count": len(rejected),
                "unmatched_count": unmatched,
            }
        )
        self.write({"tried_at": now, "tried_by_id": self.env.uid})
        for reject, why in rejected.items():
            reject.write(why)
        solved = self.browse(set(self.ids) - {reject.id for reject in rejected})
        solved.write(
            {
                "state": "read",
                "closed_at": now,
                "closed_by_id": self.env.uid,
                "closing_import_id": run.id,
            }
        )
        # A call that comes late stands before others.
        while run._draw_next():
            pass
        return len(solved)

    def _explain_again(self):
        """Say of what an older version kept why it cannot be read, as it is told now.
        What this version could read keeps its words, until it is processed."""
        for reject in self:
            text = reject.corrected or reject.raw
            record = reject.integration_id._read_call(text)
            if isinstance(record, Reject):
                reject.write(reject._prepare_why(record, text))

    def _make_run(self, integration, calls):
        """A run that is over: nobody asks the platform for these calls."""
        now = fields.Datetime.now()
        starts = [call.start for call in calls] or [now]
        return self.env["saperx.cdr.import"].create(
            {
                "integration_id": integration.id,
                "origin": "rejects",
                "date_from": min(starts),
                "date_to": max(starts) + timedelta(seconds=1),
                "state": "done",
                "started_at": now,
                "ended_at": now,
            }
        )

    def _get_objection(self, call, calls):
        """Why a correction cannot be brought in, or None: by its id it would be
        another call, and that one might be charged twice, or lost.

        :param call: what it reads as
        :param calls: by id, what is brought in beside it
        :return: one of ``PROBLEMS``
        """
        self.ensure_one()
        if self.remote_id:
            return None if call.remote_id == self.remote_id else "id_changed"
        if call.remote_id in calls or self.env["saperx.cdr"].search_count(
            [
                ("integration_id", "=", self.integration_id.id),
                ("remote_id", "=", call.remote_id),
            ],
            limit=1,
        ):
            return "id_taken"
        return None

    def _reopen(self, run):
        """A run that brought records in was undone: they wait again."""
        self.search([("closing_import_id", "=", run.id), ("state", "=", "read")]).write(
            {
                "state": "open",
                "closed_at": False,
                "closed_by_id": False,
                "closing_import_id": False,
            }
        )

    def action_view_call(self):
        """Open the call that the record became."""
        self.ensure_one()
        record = self.integration_id._read_call(self.corrected or self.raw)
        remote_id = self.remote_id or record.remote_id
        call = self.env["saperx.cdr"].search(
            [
                ("integration_id", "=", self.integration_id.id),
                ("remote_id", "=", remote_id),
            ]
        )
        if not call:
            raise UserError(self.env._("There is no call of this record."))
        return {
            "type": "ir.actions.act_window",
            "res_model": call._name,
            "res_id": call.id,
            "views": [(False, "form")],
        }
