# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .contract_contract import ROLES


class ContractContract(models.Model):
    """What a contract shows of its overdue payment, and what holds it."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    saperx_overdue_case_ids = fields.One2many(
        "saperx.overdue.case", "contract_id", groups=ROLES
    )
    saperx_overdue_case_id = fields.Many2one(
        "saperx.overdue.case",
        string="Overdue payment",
        compute="_compute_saperx_overdue_case_id",
        store=True,
        index="btree_not_null",
        groups=ROLES,
        help="That is open now.",
    )
    saperx_block_level = fields.Selection(
        string="Block",
        related="saperx_overdue_case_id.level",
        store=True,
        index="btree_not_null",
        groups=ROLES,
    )
    saperx_blocked_since = fields.Datetime(
        string="Blocked since",
        related="saperx_overdue_case_id.blocked_since",
        groups=ROLES,
    )
    saperx_next_step = fields.Selection(
        string="Next step",
        related="saperx_overdue_case_id.next_step",
        groups=ROLES,
    )
    saperx_next_step_on = fields.Date(
        string="On",
        related="saperx_overdue_case_id.next_step_on",
        groups=ROLES,
    )
    saperx_hold = fields.Selection(
        [("promise", "Promise of payment"), ("exempt", "Exempt")],
        string="Held by",
        readonly=True,
        copy=False,
        tracking=True,
        groups=ROLES,
        help="As long as it holds, nothing is blocked or cancelled for overdue "
        "payment.",
    )
    saperx_held_until = fields.Date(
        string="Held until",
        readonly=True,
        copy=False,
        tracking=True,
        groups=ROLES,
        help="The end of this day. Empty: until somebody ends it.",
    )
    saperx_hold_note = fields.Char(
        string="Why it is held", readonly=True, copy=False, groups=ROLES
    )

    @api.depends("saperx_overdue_case_ids.state")
    def _compute_saperx_overdue_case_id(self):
        for contract in self:
            contract.saperx_overdue_case_id = contract.saperx_overdue_case_ids.filtered(
                lambda case: case.state == "open"
            )[:1]

    @api.constrains("saperx_hold", "saperx_held_until")
    def _check_saperx_hold(self):
        for contract in self.sudo():
            if contract.saperx_hold == "promise" and not contract.saperx_held_until:
                raise ValidationError(
                    self.env._("A promise of payment needs the day until which it is.")
                )

    def _get_held_until(self):
        """The last day on which nothing happens for overdue payment, or None."""
        self.ensure_one()
        if not self.saperx_hold:
            return None
        return self.saperx_held_until or date.max

    def _hold_overdue(self, hold, until, note):
        """Let nothing be blocked or cancelled, and lift what was blocked.

        :param hold: ``"promise"`` or ``"exempt"``, or False: it goes on
        :param until: the last day, or False: without end
        :param note: why, in somebody's words
        """
        self.write(
            {
                "saperx_hold": hold,
                "saperx_held_until": until,
                "saperx_hold_note": note,
            }
        )
        self.saperx_overdue_case_id._follow()

    def _get_latest_overdue_case(self):
        """Of which the mails tell: the open one, else the one that ended last."""
        self.ensure_one()
        return self.sudo().saperx_overdue_case_ids.sorted("id")[-1:]

    def _get_saperx_responsible(self):
        """Whoever answers for the contract and may look at its telephony, or nobody."""
        self.ensure_one()
        for user in (self.user_id, self.create_uid):
            may_look = user.active and self.company_id in user.company_ids
            if may_look and user.has_group("saperx_voip.group_user"):
                return user
        return self.env["res.users"]

    def _is_held(self, day):
        self.ensure_one()
        until = self._get_held_until()
        return until is not None and day <= until
