# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import re
from functools import partial

from odoo import api, fields, models
from odoo.fields import Domain

from ..number_masking import SEES_HIDDEN, SEES_NUMBERS, mask_number
from .saperx_service_number import BY_PREFIX_CLASSES

# By the class that the number tells: a service's own digits, or E.164.
SERVICE_CLASSES = BY_PREFIX_CLASSES
E164_CLASSES = ("lc", "ldn", "ldi", "vc1", "vc2", "vc3")
# Of digits of which nobody knows where a number ends: country and area code at most.
FEW_DIGITS = 4


class SaperxCdr(models.Model):
    """Whom a call was with, as far as the user may know.

    What is stored of the other party is for ``SEES_NUMBERS`` alone. These fields are
    for everybody and cannot be searched, grouped or sorted by: country, area code and
    class stay legible, the last digits do not. The other party of an incoming call is
    the caller.
    """

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    shown_number = fields.Char(
        string="Number as shown",
        compute="_compute_shown_numbers",
        compute_sudo=True,
        help="Technicians and billing see it whole.",
    )
    shown_caller = fields.Char(
        string="Caller as shown", compute="_compute_shown_numbers", compute_sudo=True
    )
    shown_callee = fields.Char(
        string="Called as shown", compute="_compute_shown_numbers", compute_sudo=True
    )

    number_query = fields.Char(
        string="Number to look for",
        compute="_compute_number_query",
        search="_search_number_query",
        groups=SEES_NUMBERS,
        help="Found however it is written: (11) 3210-1234 or 1132101234.",
    )

    def _compute_number_query(self):
        """Only to be searched by."""
        self.number_query = False

    def _search_number_query(self, operator, value):
        if operator != "ilike" or not isinstance(value, str):
            return NotImplemented
        # Of an address (sip:…) the letters count.
        digits = re.sub(r"[\s().+-]", "", value)
        if not digits:
            return Domain.TRUE if not value.strip() else Domain.FALSE
        return Domain("other_party", "ilike", digits.removeprefix("0"))

    @api.depends(
        "company_id", "direction", "caller", "callee", "other_party", "own_class"
    )
    @api.depends_context("uid", "lang")
    def _compute_shown_numbers(self):
        for company, calls in self.grouped("company_id").items():
            services = self.env["saperx.service.number"]._get_active(company)
            for call in calls:
                mask = call._get_mask(call.other_party, call.own_class, services)
                other = "caller" if call.direction == "incoming" else "callee"
                for name in ("caller", "callee"):
                    text = call[name] or ""
                    call[f"shown_{name}"] = mask(text) if name == other else text
                digits = call.other_party or ""
                if call.own_class in E164_CLASSES:
                    digits = self.env["saperx.did"]._format_number(digits)
                call.shown_number = mask(digits)

    @api.model
    def _get_mask(self, digits, own_class, services):
        """How the user sees the other party of a call, whatever ``sudo`` may read.

        :param digits: as rates match them
        :param own_class: the class that the number tells
        :param services: the ``saperx.service.number`` that count for the call
        :return: a function from the number as it is written to what is shown of it
        """
        if not self.env.user.has_groups(SEES_HIDDEN) and services._hides(
            digits, own_class
        ):
            return lambda _text: self.env._("Hidden service")
        if self.env.user.has_groups(SEES_NUMBERS) or own_class in SERVICE_CLASSES:
            return str
        if own_class in E164_CLASSES:
            return mask_number
        return partial(mask_number, shown_digits=FEW_DIGITS)
