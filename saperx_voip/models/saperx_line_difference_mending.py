# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from psycopg2 import IntegrityError

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class SaperxLineDifference(models.Model):
    """How differences are mended: ours is pushed, or theirs is taken, or neither.

    Theirs is written here without a push, since the platform has it: whatever else of
    the line differs stays as it is. A push sends all that is wanted of a line, so that
    all of its differences go with it; but a status that somebody set on the platform's
    panel is raised again only where that was asked for.
    """

    _inherit = "saperx.line.difference"  # pylint: disable=consider-merging-classes-inherited

    def action_push(self):
        """*Push ours*: make the platform as it is here."""
        self._check_may_mend()
        to_push = chosen = self._get_open()
        for difference in chosen:
            if reason := difference._explain_no_push():
                difference._refuse(reason)
                to_push -= difference
        to_push._push()
        return self._tell_done(len(to_push), len(chosen - to_push))

    def _push(self):
        """All of them at once, since there may be thousands."""
        lines = self.line_id | self._get_holding_lines()
        lines.check_access("write")
        statuses = self.filtered(lambda one: one.kind == "status")
        for theirs, alike in statuses.grouped("their_value").items():
            # The answer to the question that the push would ask: we know of it.
            alike.line_id._write_sync({"pushed_status": theirs, "asked_status": False})
        lines._raise_revision()
        along = self.sudo().search(
            [
                ("line_id", "in", lines.ids),
                ("state", "=", "open"),
                ("kind", "not in", ("status", "reference")),
            ]
        )
        (self.sudo() | along)._answer("push", "pending")

    def _get_holding_lines(self):
        """Our lines that have the numbers there which others are to have."""
        moved = self.filtered(lambda one: one.kind == "did_elsewhere")
        return self.env["saperx.line"].union(
            *(one._get_holder().line_id for one in moved)
        )

    def _explain_no_push(self):
        """Why pushing cannot mend it, or None."""
        self.ensure_one()
        if not self.integration_id.active:
            return self.env._("The integration is archived: nothing is pushed.")
        match self.kind:
            case "unknown":
                return self.env._(
                    "There is no line here to be pushed: adopt this one into a "
                    "contract, or ignore it."
                )
            case _ if self._is_another_there():
                return self.env._(
                    "A push would make another line there, since this one has another "
                    "reference. Take theirs if it is the same line."
                )
            case "did_elsewhere" if not self._get_holder().line_id:
                return self.env._(
                    "The line there that has the number is unknown here. Adopt that "
                    "one first, or free the number on the platform's own panel."
                )
        return None

    def _is_another_there(self):
        """Whether the line there has a reference by which a push would not take it for
        ours, whatever else of it differs."""
        return any(
            one.kind == "reference"
            and one.state in ("open", "ignored")
            and not one._is_known_without_reference()
            for one in self.line_id.difference_ids
        )

    def _is_known_without_reference(self):
        """Whether a push would know the line there again, and give it our reference;
        see ``gateway/push.py``."""
        circuit, line = self.circuit_id, self.line_id
        same = (
            (circuit.account_code, line.account_code),
            (circuit.customer_document, line._get_customer_document()),
        )
        return not self.their_value and any(
            theirs and theirs == ours for theirs, ours in same
        )

    def action_take(self):
        """*Take theirs*: make it here as it is on the platform."""
        self._check_may_mend()
        taken, chosen = self.browse(), self._get_open()
        for alike in chosen._group_alike():
            reason = alike._try_to_take()
            if not reason:
                taken |= alike
                continue
            for difference in alike:
                # Of several, others may do.
                if len(alike) > 1:
                    reason = difference._try_to_take()
                if reason:
                    difference._refuse(reason)
                else:
                    taken |= difference
        taken.sudo()._answer("take", "mended")
        return self._tell_done(len(taken), len(chosen - taken))

    def _group_alike(self):
        """What is one value to be written on many lines goes at once."""
        return self.grouped(
            lambda one: (
                (one.kind, one.field_name, one.their_value)
                if one.kind in ("setting", "did_terms")
                else one.id
            )
        ).values()

    def _try_to_take(self):
        """:return: what kept them from being taken, all of them; else None"""
        try:
            with self.env.cr.savepoint():
                self._take_without_push()
                self.env.flush_all()
        except UserError as error:
            return str(error)
        except IntegrityError as error:
            return self.line_id._sql_error_to_message(error)
        return None

    def _take_without_push(self):
        """Nothing is left to be pushed of a line that was in step: it is there."""
        lines = self.line_id | self._get_holding_lines()
        lines.check_access("write")
        in_step = lines.filtered(lambda line: line.sync_state == "synced")
        self._take()
        for revision, alike in in_step.grouped("revision").items():
            alike._write_sync(
                {
                    "pushed_revision": revision,
                    "sync_state": "synced",
                    "sync_error": False,
                    "next_sync_at": False,
                }
            )

    def action_ignore(self):
        """Ask why they are ignored."""
        self._check_may_mend()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Ignore"),
            "res_model": "saperx.line.difference.ignore.wizard",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_difference_ids": self._get_open().ids},
        }

    def _ignore(self, reason):
        self._check_may_mend()
        self._get_open().sudo().write(
            {
                "state": "ignored",
                "ignore_reason": reason,
                "note": False,
                "answer": False,
                "answered_at": fields.Datetime.now(),
                "answered_by_id": self.env.uid,
            }
        )

    def action_reopen(self):
        """Look again at what was ignored."""
        self._check_may_mend()
        self.sudo().filtered(lambda one: one.state == "ignored").write(
            {
                "state": "open",
                "ignore_reason": False,
                "answered_at": False,
                "answered_by_id": False,
            }
        )

    @api.model
    def _conclude_adopted(self, circuits):
        """What was unknown here has become a line."""
        self.sudo().search(
            [
                ("circuit_id", "in", circuits.ids),
                ("kind", "=", "unknown"),
                ("state", "in", ("open", "ignored")),
            ]
        ).write({"state": "mended", "note": False})

    def action_view_line(self):
        self.ensure_one()
        return self.line_id.action_open()

    def _check_may_mend(self):
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_technician"):
            raise AccessError(self.env._("Only technicians may mend differences."))

    def _get_open(self):
        """:raise UserError: if there is none, so that nobody believes it done"""
        still_open = self.filtered(lambda one: one.state == "open")
        if not still_open:
            raise UserError(self.env._("None of these differences is open."))
        return still_open

    def _answer(self, answer, state):
        self.write(
            {
                "answer": answer,
                "state": state,
                "note": False,
                "answered_at": fields.Datetime.now(),
                "answered_by_id": self.env.uid,
            }
        )

    def _refuse(self, reason):
        self.sudo().note = reason

    def _tell_done(self, mended, refused):
        if not refused:
            message = self.env._("Differences being mended: %s.", mended)
        elif not mended and len(self) == 1:
            message = self.note
        else:
            message = self.env._(
                "Differences being mended: %(mended)s. Not mended: %(refused)s; each "
                "says why.",
                mended=mended,
                refused=refused,
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if refused else "success",
                "sticky": bool(refused),
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
