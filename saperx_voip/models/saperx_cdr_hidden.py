# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.fields import Domain

from ..number_masking import SEES_HIDDEN
from .saperx_service_number import BY_PREFIX_CLASSES


class SaperxCdr(models.Model):
    """Calls to services that statements do not list, such as reporting lines
    (disque-denúncia): that they took place is nobody's business but billing's.

    A record rule takes them from everybody else, and with them from lists, counts,
    groups, exports and pivots. Which they are follows the service numbers as they are
    now, so that one that is marked today hides the calls of last year too.
    """

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    is_hidden = fields.Boolean(
        string="To a hidden service",
        compute="_compute_is_hidden",
        search="_search_is_hidden",
        compute_sudo=True,
        groups=SEES_HIDDEN,
        help="Statements do not list it, and nobody but billing sees it.",
    )

    @api.depends("company_id", "other_party", "own_class")
    def _compute_is_hidden(self):
        for company, calls in self.grouped("company_id").items():
            services = self.env["saperx.service.number"]._get_active(company)
            for call in calls:
                call.is_hidden = services._hides(call.other_party, call.own_class)

    def _search_is_hidden(self, operator, value):
        if operator != "in":
            return NotImplemented
        services = self.env["saperx.service.number"].sudo()
        companies = self.env["res.company"].sudo().search([])
        found = {company: services._get_active(company) for company in companies}
        own = {company: some for company, some in found.items() if some.company_id}
        # Those of most companies are the same: one term for all of them.
        shared = services.search([("company_id", "=", False), ("active", "=", True)])
        domain = Domain("company_id", "not in", [company.id for company in own])
        domain &= shared._get_hidden_domain()
        for company, some in own.items():
            domain |= Domain("company_id", "=", company.id) & some._get_hidden_domain()
        return domain


class SaperxServiceNumber(models.Model):
    _inherit = "saperx.service.number"  # pylint: disable=consider-merging-classes-inherited

    def _hides(self, digits, own_class):
        """Whether, of these services, the one that a call was with is hidden.

        :param digits: the other party, as rates match it; may be empty
        :param own_class: the class that the number tells
        """
        # Few are hidden: most numbers need no closer look.
        if not digits or not any(
            digits.startswith(service.number) for service in self if service.is_hidden
        ):
            return False
        service = self._find(digits)
        return service.is_hidden and (
            # A number abroad may begin as a service does.
            not service.is_prefix or own_class in BY_PREFIX_CLASSES
        )

    def _get_hidden_domain(self):
        """The calls that ``_hides`` is true of, of one company, as a domain."""
        whole, begun = [], Domain.FALSE
        for service in self.filtered("is_hidden"):
            if not service.is_prefix:
                if self._find(service.number) == service:
                    whole.append(service.number)
                continue
            closer = self.filtered(
                lambda other, service=service: (
                    not other.is_hidden and other.number.startswith(service.number)
                )
            )
            domain = _begins(service.number)
            for other in closer:
                if not other.is_prefix:
                    domain &= Domain("other_party", "!=", other.number)
                elif other.number != service.number or other.company_id:
                    domain &= ~_begins(other.number)
            begun |= domain
        return Domain("other_party", "in", whole) | (
            Domain("own_class", "in", BY_PREFIX_CLASSES) & begun
        )


def _begins(number):
    return Domain("other_party", "=like", f"{number}%")
