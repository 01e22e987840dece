# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import re

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..rating import Services, can_be_service
from .call_class import CALL_CLASSES

# What a number cannot be by itself: the platform says so, or nobody knows.
NO_SERVICE = ("internal", "unknown")
# By the class that the number tells: those whose digits may begin as a service's.
BY_PREFIX_CLASSES = ("free", "special")
RATED_FIELDS = {"number", "is_prefix", "call_class", "active", "company_id"}
SEPARATORS = re.compile(r"[\s().+\-]")


class SaperxServiceNumber(models.Model):
    """A number with a class of its own: 190, 0800, 4004."""

    _name = "saperx.service.number"
    _description = "Service number"
    _order = "number, is_prefix, company_id, id"
    _rec_names_search = ["number", "name"]

    number = fields.Char(
        required=True,
        help="As dialled nationally (190, 1331, 08001234567, 40041234), or with "
        "country and area code (551133334444) if it has an area code.",
    )
    is_prefix = fields.Boolean(
        string="Begins numbers",
        help="All numbers that begin so (0800, 4004). A whole number goes before, and "
        "a longer beginning before a shorter one. Not for numbers with an area code.",
    )
    name = fields.Char(required=True, translate=True)
    call_class = fields.Selection(
        [(code, label) for code, label in CALL_CLASSES if code not in NO_SERVICE],
        string="Class",
        required=True,
        help="Free stays free whatever the platform says. Any other class counts where "
        "the platform sends none that is known.",
    )
    is_hidden = fields.Boolean(
        string="Not on statements",
        help="Statements do not list calls to it, as RGC art. 47 has it for reporting "
        "lines (disque-denúncia), and nobody but billing sees them.",
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        help="Empty: every company. A company's own number goes before.",
    )

    _number_unique = models.UniqueIndex(
        "(number, COALESCE(is_prefix, FALSE), COALESCE(company_id, 0))",
        "This service number exists already; it may be archived.",
    )

    @api.constrains("number", "is_prefix")
    def _check_number(self):
        for service in self:
            if can_be_service(service.number, is_prefix=service.is_prefix):
                continue
            if service.is_prefix:
                raise ValidationError(
                    self.env._(
                        "No service number begins with “%s”. Write three digits or "
                        "more as dialled nationally, for example 0800, 4004 or 103; "
                        "numbers with an area code are written one by one.",
                        service.number,
                    )
                )
            raise ValidationError(
                self.env._(
                    "“%s” is no service number. Write its digits as dialled nationally "
                    "(190, 1331, 08001234567, 40041234), or with country and area code "
                    "(551133334444). If it begins numbers, say so.",
                    service.number,
                )
            )

    @api.depends("number", "is_prefix", "name")
    def _compute_display_name(self):
        for service in self:
            more = "…" if service.is_prefix else ""
            service.display_name = f"{service.number or ''}{more} {service.name or ''}"

    @api.model_create_multi
    def create(self, vals_list):
        services = super().create([self._clean(vals) for vals in vals_list])
        services._rate_again()
        return services

    def write(self, vals):
        matters = RATED_FIELDS & vals.keys()
        if matters:
            # Those that it counted for until now.
            self._rate_again()
        result = super().write(self._clean(vals))
        if matters:
            self._rate_again()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_shipped(self):
        """An upgrade would bring it back without a word."""
        if set(self.get_external_id().values()) - {""}:
            raise UserError(
                self.env._(
                    "A service number that came with the application cannot be "
                    "deleted: archive it."
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_rates_again(self):
        self._rate_again()

    @staticmethod
    def _clean(vals):
        if not vals.get("number"):
            return vals
        return {**vals, "number": SEPARATORS.sub("", vals["number"])}

    def _rate_again(self):
        """What these numbers count for may be of another class now."""
        domain = []
        if all(service.company_id for service in self):
            domain = [("company_id", "in", self.company_id.ids)]
        tariffs = self.env["saperx.tariff"].sudo().with_context(active_test=False)
        tariffs.search(domain)._rates_changed()

    @api.model
    def _get_services(self, company):
        """The service numbers of a company, as the pure core takes them."""
        return self._get_active(company)._as_table()

    @api.model
    def _get_active(self, company):
        """The service numbers that count for the calls of a company."""
        return self.sudo().search(
            [("company_id", "in", [False, company.id]), ("active", "=", True)]
        )

    def _as_table(self):
        return Services(
            {
                service.number + ("*" if service.is_prefix else ""): service.call_class
                # Its own last: they go before those of every company.
                for service in self.sorted(lambda service: bool(service.company_id))
            }
        )

    def _find(self, digits):
        """The one of these that a call was with, or none; see ``Services.find``.

        :param digits: the other party, as rates match it
        """
        fitting = self.filtered(
            lambda service: (
                service.number == digits
                or (service.is_prefix and digits.startswith(service.number))
            )
        )
        return fitting.sorted(
            lambda service: (
                not service.is_prefix,
                len(service.number),
                bool(service.company_id),
            )
        )[-1:]
