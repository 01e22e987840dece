# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date


class SaperxNumber(models.Model):
    """One number of a company's stock, and what the platform says of it.

    Made by its range or by the comparison with the platform, given and freed by the
    DIDs: written by nobody.
    """

    _name = "saperx.number"
    _description = "Number of the stock"
    _rec_name = "number"
    _order = "number, id"
    # Made by the hundred thousand, in SQL.
    _log_access = False

    number = fields.Char(required=True, readonly=True, help="Digits, country first.")
    range_id = fields.Many2one(
        "saperx.number.range",
        readonly=True,
        index=True,
        ondelete="cascade",
        help="Empty: only the platform told of the number.",
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    area_code = fields.Char(string="Area code (DDD)", readonly=True)
    state = fields.Selection(
        [
            ("available", "Available"),
            ("reserved", "Reserved"),
            ("in_use", "In use"),
            ("quarantine", "Quarantine"),
            ("ported_out", "Ported out"),
        ],
        required=True,
        readonly=True,
        default="available",
    )
    reserved_for_id = fields.Many2one(
        "res.partner",
        string="Reserved for",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    reserved_until = fields.Date(
        string="Reserved until", readonly=True, help="Last day of the reservation."
    )
    quarantine_until = fields.Date(
        string="Quarantine until",
        readonly=True,
        help="The day on which it is available again.",
    )
    did_id = fields.Many2one(
        "saperx.did",
        string="DID",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    line_id = fields.Many2one(
        related="did_id.line_id",
        string="SIP line",
        store=True,
        index="btree_not_null",
        ondelete="set null",
    )
    partner_id = fields.Many2one(
        related="line_id.partner_id",
        string="Customer",
        store=True,
        index="btree_not_null",
        ondelete="set null",
    )
    city = fields.Char(readonly=True)
    state_code = fields.Char(string="State (UF)", readonly=True)
    integration_id = fields.Many2one(
        "saperx.integration",
        string="Reported by",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="The platform that last told of the number.",
    )
    platform_state = fields.Selection(
        [
            ("unknown", "Not compared"),
            ("available", "Available"),
            ("in_use", "In use"),
            ("absent", "Not there"),
        ],
        string="On the platform",
        required=True,
        readonly=True,
        default="unknown",
    )
    platform_line_remote_id = fields.Integer(
        string="Line on the platform", readonly=True, default=None
    )
    is_ported_there = fields.Boolean(string="Ported, says the platform", readonly=True)
    compared_at = fields.Datetime(string="Compared on", readonly=True)
    difference = fields.Selection(
        [
            ("none", "None"),
            ("in_use_there", "In use there, free here"),
            ("free_there", "Free there, in use here"),
            ("other_line", "On another line there"),
            ("missing", "Missing there"),
            ("unknown_here", "In no range here"),
        ],
        required=True,
        readonly=True,
        default="none",
        help="What the last comparison with the platform found.",
    )

    _one_in_stock = models.UniqueIndex(
        "(company_id, number)",
        "Another range has some of these numbers already: ranges may not overlap.",
    )
    _quarantined = models.Index("(quarantine_until) WHERE state = 'quarantine'")
    _reserved = models.Index("(reserved_until) WHERE state = 'reserved'")

    @api.depends("number")
    def _compute_display_name(self):
        for number in self:
            number.display_name = self.env["saperx.did"]._format_number(
                number.number or ""
            )

    @api.model
    def _search_display_name(self, operator, value):
        """Also finds a number that is written as people do: ``(54) 3333-4444``."""
        if isinstance(value, str):
            value = "".join(char for char in value if char not in " +-().")
        return super()._search_display_name(operator, value)

    def action_reserve(self):
        """Ask for whom and until when the chosen numbers are kept."""
        self._check_technician()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Reserve numbers"),
            "res_model": "saperx.number.reserve.wizard",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_number_ids": self.ids},
        }

    def action_release_reservation(self):
        self._check_technician()
        self._check_state("reserved")
        self.sudo()._make_available()

    def action_end_quarantine(self):
        self._check_technician()
        self._check_state("quarantine")
        self.sudo()._make_available()

    def action_take_back(self):
        """The numbers came back, or were never gone."""
        self._check_technician()
        self._check_state("ported_out")
        self.sudo()._make_available()

    def action_port_out(self):
        """Ask where numbers that lines have go, and when."""
        self._check_technician()
        self._check_state("in_use")
        return self.did_id.action_port_out()

    def action_mark_ported_out(self):
        """The numbers went to another operator: they are given to nobody here."""
        self._check_technician()
        self._check_not_held()
        self.sudo().write({"state": "ported_out", **self._prepare_no_wait()})

    @api.model
    def action_compare(self):
        """Compare the stock with every active integration's platform."""
        self._check_technician()
        integrations = self.env["saperx.integration"].search([])
        if not integrations:
            raise UserError(self.env._("There is no active integration to ask."))
        return integrations.action_sync_numbers()

    def _check_technician(self):
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_technician"):
            raise AccessError(self.env._("Only technicians may change the stock."))

    def _check_state(self, state):
        label = dict(self._fields["state"]._description_selection(self.env))[state]
        for number in self:
            if number.state != state:
                raise UserError(
                    self.env._(
                        "The number %(number)s is not in the state “%(state)s”.",
                        number=number.display_name,
                        state=label,
                    )
                )

    def _check_not_held(self):
        for number in self.filtered("did_id"):
            raise UserError(self._explain_held(number.sudo()))

    def _explain_held(self, number):
        return self.env._(
            "The number %(number)s is on the line %(line)s of %(customer)s already.",
            number=number.display_name,
            line=number.line_id.display_name,
            customer=number.partner_id.display_name,
        )

    def _reserve(self, partner, until):
        """Keep the numbers for a customer up to a day, inclusive."""
        self._check_technician()
        for number in self:
            if not number.range_id:
                raise UserError(
                    self.env._(
                        "The number %s lies in no range: it cannot be reserved.",
                        number.display_name,
                    )
                )
            if number._is_reserved_for_another(partner):
                raise UserError(
                    self.env._(
                        "The number %(number)s is reserved for %(customer)s until "
                        "%(date)s.",
                        number=number.display_name,
                        customer=number.reserved_for_id.display_name,
                        date=format_date(self.env, number.reserved_until),
                    )
                )
            if number.state not in ("available", "reserved"):
                raise UserError(
                    self.env._(
                        "The number %s is not available: it cannot be reserved.",
                        number.display_name,
                    )
                )
        self.sudo().write(
            {
                "state": "reserved",
                "reserved_for_id": partner.id,
                "reserved_until": until,
            }
        )

    def _is_reserved_for_another(self, partner):
        self.ensure_one()
        return (
            self.state == "reserved"
            and self.reserved_until >= self.company_id._get_telephony_today()
            and self.reserved_for_id.commercial_partner_id
            != partner.commercial_partner_id
        )

    @api.model
    def _prepare_no_wait(self):
        return {
            "reserved_for_id": False,
            "reserved_until": False,
            "quarantine_until": False,
        }

    def _make_available(self):
        self.write({"state": "available", "did_id": False, **self._prepare_no_wait()})
