# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_datetime

NO_PORT_OUT = {
    "port_out_at": False,
    "port_out_operator": False,
    "port_out_protocol": False,
    "port_out_comment": False,
    "port_out_ends_line": False,
}


class SaperxDid(models.Model):
    """How a number goes to another operator (*portabilidade de saída*).

    It leaves its line when its window comes, by the cron of the moments. What was told
    of it stays on the released number. A number that is to be ported out goes nowhere
    else, though its line ends before.
    """

    _inherit = "saperx.did"  # pylint: disable=consider-merging-classes-inherited

    port_out_at = fields.Datetime(
        string="Ported out on", readonly=True, copy=False, index="btree_not_null"
    )
    port_out_operator = fields.Char(string="New operator", readonly=True, copy=False)
    port_out_protocol = fields.Char(
        string="Portability protocol", readonly=True, copy=False
    )
    port_out_comment = fields.Text(
        string="Comment on the portability", readonly=True, copy=False
    )
    port_out_ends_line = fields.Boolean(
        string="Its line ends with it",
        readonly=True,
        copy=False,
        help="If no other number is left on it then.",
    )

    def action_port_out(self):
        """Ask where these numbers go, and when."""
        self._check_may_port_out()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Port out"),
            "res_model": "saperx.did.port.out.wizard",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_did_ids": self.ids,
                "dialog_size": "extra-large",
            },
        }

    def action_withdraw_port_out(self):
        """The numbers stay."""
        self._check_may_port_out()
        for did in self:
            if not (did.active and did.port_out_at):
                raise UserError(
                    self.env._(
                        "The number %s is not about to be ported out: it has left or "
                        "that was withdrawn already.",
                        did._format_number(did.number),
                    )
                )
            text = did._describe_port_out()
            did._write_own(NO_PORT_OUT)
            did.line_id._note_end(self.env._("Port-out withdrawn. %s", text))

    def _check_may_port_out(self):
        self.check_access("write")
        if not self.env.user.has_group("saperx_voip.group_technician"):
            raise AccessError(self.env._("Only technicians port numbers out."))

    def _plan_port_out(self, values):
        """Let these numbers go to another operator at a moment, or at once if that is
        past.

        :param dict values: of the fields ``port_out_…``; the moment is naive UTC
        :raise UserError: with the first one that cannot go, and why; then none does
        """
        now = fields.Datetime.now()
        for did in self:
            did._check_port_out()
            did._write_own({**NO_PORT_OUT, **values})
            if did.port_out_at <= now:
                did._port_out()
                continue
            did.line_id._look_again_at([did.port_out_at])
            did.line_id._note_end(
                self.env._("Planned port-out. %s", did._describe_port_out())
            )

    def _check_port_out(self):
        self.ensure_one()
        number = self._format_number(self.number)
        if not self.active:
            raise UserError(self.env._("The number %s has left its line.", number))
        if self.port_out_at:
            raise UserError(
                self.env._(
                    "The number %(number)s is about to be ported out already. %(text)s "
                    "Withdraw that first.",
                    number=number,
                    text=self._describe_port_out(),
                )
            )
        if not self.is_live:
            raise UserError(
                self.env._(
                    "The number %s is not live: it waits for its own portability.",
                    number,
                )
            )
        self.line_id._check_no_move_planned()

    def _port_out(self):
        """The numbers leave now: from here on they are another operator's."""
        now = fields.Datetime.now()
        for did in self:
            line, text = did.line_id, did._describe_port_out()
            if did.port_out_ends_line and line.did_ids.filtered("active") == did:
                # As the guide has it: *Portabilidade saída*.
                line.portability = "out"
                line._end(line.end_reason_id, text.removesuffix("."))
                continue
            did._release(now)
            line._ensure_main_did()
            line._raise_revision()
            line._note_end(self.env._("Number ported out. %s", text))

    def _describe_port_out(self):
        """Which number goes where and when, for people."""
        self.ensure_one()
        zone = self.company_id.sudo()._get_telephony_zone()
        known = {
            self.env._("protocol %s", self.port_out_protocol): self.port_out_protocol,
            self.port_out_comment: self.port_out_comment,
        }
        text = self.env._(
            "%(number)s to %(operator)s on %(moment)s",
            number=self._format_number(self.number),
            operator=self.port_out_operator,
            moment=format_datetime(
                self.env, self.port_out_at, tz=zone.key, dt_format="short"
            ),
        )
        parts = [text, *(told for told, value in known.items() if value)]
        return f"{', '.join(parts)}."

    @api.model
    def _get_due_port_outs(self):
        return self.search([("port_out_at", "<=", fields.Datetime.now())])
