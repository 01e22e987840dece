# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.misc import format_date

from ..rating import Tariff

# The rows of a new plan's price list; None takes all other calls.
PRICE_LIST = ("lc", "ldn", "vc1", "vc2", "vc3", "ldi", None)
NAMED_IN_SUMMARY = 2


class SaperxTariff(models.Model):
    """A billing plan: what calls outside the customer's plan cost."""

    _name = "saperx.tariff"
    _description = "Billing plan"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount_source = fields.Selection(
        [("own", "Rates of this plan"), ("platform", "Amount charged by the platform")],
        string="Source of prices",
        required=True,
        default="own",
        tracking=True,
    )
    rate_ids = fields.One2many(
        "saperx.tariff.rate", "tariff_id", string="Rates", copy=False
    )
    class_rate_ids = fields.One2many(
        "saperx.tariff.rate",
        "tariff_id",
        string="Prices by class",
        copy=False,
        domain=lambda self: self._class_rate_domain(),
        help="The rates without a prefix that hold today or later.",
    )
    allowance_ids = fields.One2many(
        "saperx.tariff.allowance", "tariff_id", string="Allowances", copy=False
    )
    included_minutes = fields.Integer(
        string="Included minutes",
        compute="_compute_included_minutes",
        inverse="_inverse_included_minutes",
        help="Minutes of every class that each line has in each cycle before calls "
        "cost anything.",
    )
    allowance_summary = fields.Char(
        string="All allowances", compute="_compute_included_minutes"
    )
    rate_warning = fields.Text(compute="_compute_rate_warning")
    line_count = fields.Integer(compute="_compute_line_count")

    @api.constrains("amount_source")
    def _check_amount_source(self):
        self.allowance_ids._check_unit()

    @api.constrains("company_id")
    def _check_company_of_lines(self):
        periods = self.env["saperx.line.period"].sudo()
        for tariff in self:
            elsewhere = [
                ("tariff_id", "=", tariff.id),
                ("company_id", "!=", tariff.company_id.id),
            ]
            if periods.search_count(elsewhere, limit=1):
                raise ValidationError(
                    self.env._(
                        "Lines have or had the billing plan “%s”: it stays in their "
                        "company. Copy it for another.",
                        tariff.name,
                    )
                )

    @api.depends(
        "allowance_ids.unit",
        "allowance_ids.quantity",
        "allowance_ids.name",
        "allowance_ids.sequence",
        "allowance_ids.class_ids",
        "allowance_ids.prefixes",
        "allowance_ids.is_shared",
        "allowance_ids.date_from",
        "allowance_ids.date_to",
    )
    def _compute_included_minutes(self):
        for tariff in self:
            running = tariff._get_running_allowances()
            plain = tariff._get_plain_allowance()
            tariff.included_minutes = plain.quantity
            tariff.allowance_summary = (
                tariff._summarise(running) if running - plain else False
            )

    def _inverse_included_minutes(self):
        for tariff in self:
            minutes = tariff.included_minutes
            plain = tariff._get_plain_allowance()
            if plain.quantity == minutes:
                continue
            if not plain:
                # Said, so that a plan that takes no minutes refuses them.
                tariff.allowance_ids = [
                    Command.create({"quantity": minutes, "unit": "minutes"})
                ]
            elif minutes or plain._get_used():
                plain.quantity = minutes
            else:
                plain.unlink()

    @api.depends(
        "amount_source",
        "rate_ids.prefix",
        "rate_ids.call_class",
        "rate_ids.sequence",
        "rate_ids.date_from",
        "rate_ids.date_to",
        "rate_ids.price_per_minute",
        "rate_ids.connection_fee",
        "class_rate_ids",
    )
    def _compute_rate_warning(self):
        for tariff in self:
            warnings = []
            if tariff.amount_source == "own":
                warnings = tariff._get_rate_warnings()
            tariff.rate_warning = "\n".join(warnings) or False

    def _compute_line_count(self):
        counts = dict(
            self.env["saperx.line"]._read_group(
                [("tariff_id", "in", self.ids)], ["tariff_id"], ["__count"]
            )
        )
        for tariff in self:
            tariff.line_count = counts.get(tariff, 0)

    @api.onchange("amount_source")
    def _onchange_amount_source(self):
        # The field is hidden then: what was typed into it would be refused unseen.
        if self.amount_source == "platform":
            self.included_minutes = self._get_plain_allowance().quantity

    @api.model
    def default_get(self, fields):
        """A new plan lists every class, unless its maker brings rates."""
        values = super().default_get(fields)
        if {"rate_ids", "class_rate_ids"} <= set(fields):
            values.setdefault(
                "class_rate_ids",
                [
                    Command.create({"call_class": call_class, "sequence": 10})
                    for call_class in PRICE_LIST
                ],
            )
        return values

    def write(self, vals):
        if "amount_source" in vals:
            self._check_amount_source_free(vals["amount_source"])
        result = super().write(vals)
        if "amount_source" in vals:
            self._rates_changed()
        return result

    def copy_data(self, default=None):
        """A copy has the rates and allowances that hold today or later: what ended
        explains calls of the past, and the copy has none."""
        default = dict(default or {})
        data_list = super().copy_data(default)
        for tariff, data in zip(self, data_list, strict=True):
            if "name" not in default:
                data["name"] = self.env._("%s (copy)", tariff.name)
            for name in ("rate_ids", "allowance_ids"):
                if name not in default:
                    current = tariff[name].filtered(
                        lambda record: not record.tariff_id._is_over(record)
                    )
                    data[name] = list(map(Command.create, current.copy_data()))
        return data_list

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if (
            self.env["saperx.line.period"]
            .sudo()
            .search_count([("tariff_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "A billing plan that lines have or had cannot be deleted, since it "
                    "explains their charges: archive it."
                )
            )

    def action_view_lines(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_line_action"
        )
        return {**action, "domain": [("tariff_id", "=", self.id)], "context": {}}

    def action_import_rates(self):
        self.ensure_one()
        return self._open_wizard(
            "saperx.rate.import.wizard", self.env._("Import rates")
        )

    def action_export_rates(self):
        self.ensure_one()
        return self._open_wizard(
            "saperx.rate.export.wizard", self.env._("Export rates")
        )

    def _open_wizard(self, model, name):
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_tariff_id": self.id},
        }

    def _check_amount_source_free(self, amount_source):
        """:raise UserError: charged calls would be explained by the other source"""
        for tariff in self:
            if tariff.amount_source != amount_source and tariff._has_charges():
                raise UserError(
                    self.env._(
                        "Calls were charged under the billing plan “%s”: where its "
                        "prices come from stays as it is. Copy the plan, and give "
                        "lines the copy.",
                        tariff.name,
                    )
                )

    def _has_charges(self):
        self.ensure_one()
        charges = self.env["saperx.charge"].sudo()
        return any(self.rate_ids.mapped("is_charged")) or bool(
            charges.search_count(
                [("period_id.tariff_id", "=", self.id), ("state", "!=", "cancelled")],
                limit=1,
            )
        )

    @api.model
    def _class_rate_domain(self):
        today = fields.Date.context_today(self)
        return [
            ("prefix", "in", (False, "")),
            "|",
            ("date_to", "=", False),
            ("date_to", ">=", today),
        ]

    def _is_over(self, record):
        """Whether a rate or an allowance ended before today."""
        return bool(record.date_to and record.date_to < fields.Date.context_today(self))

    def _get_running_allowances(self):
        """Those that hold today, in the order in which they are drawn."""
        self.ensure_one()
        today = fields.Date.context_today(self)
        return self.allowance_ids.filtered(
            lambda allowance: (
                not self._is_over(allowance)
                and (not allowance.date_from or allowance.date_from <= today)
            )
        ).sorted(lambda allowance: (allowance.unit or "", allowance.sequence))

    def _get_plain_allowance(self):
        """The one that the field of the included minutes stands for, if any."""
        return self._get_running_allowances().filtered(
            lambda allowance: allowance._is_plain()
        )[:1]

    def _summarise(self, allowances):
        """:return: "100 min + R$ 50,00, and 2 more allowances" """
        text = " + ".join(
            allowance.name or "" for allowance in allowances[:NAMED_IN_SUMMARY]
        )
        more = len(allowances) - NAMED_IN_SUMMARY
        if more == 1:
            return self.env._("%s, and one more allowance", text)
        if more > 1:
            return self.env._(
                "%(named)s, and %(more)s more allowances", named=text, more=more
            )
        return text

    def _get_rate_warnings(self):
        """:return: sentences on what is allowed and hardly ever meant"""
        self.ensure_one()
        # On a form that is not saved yet, the two lists are edited by themselves.
        rates = self.rate_ids | self.class_rate_ids
        current = rates.filtered(lambda rate: not self._is_over(rate))
        warnings = [
            self.env._(
                "Two rates for “%(rate)s” hold on the same days (%(one)s and "
                "%(other)s): only one of them counts. End one the day before the "
                "other begins.",
                rate=one.display_name,
                one=self._format_validity(one),
                other=self._format_validity(other),
            )
            for one, other in current._get_overlaps()[:3]
        ]
        services = self.env["saperx.service.number"]._get_services(self.company_id)
        free = current.filtered(
            lambda rate: (
                not rate.price_per_minute
                and not rate.connection_fee
                and rate.call_class not in ("free", "internal")
                and services.find(rate.prefix or "") != "free"
            )
        )
        if free:
            warnings.append(
                self.env._(
                    "Without a price, calls cost nothing: %s.",
                    ", ".join(free[:8].mapped("display_name")),
                )
            )
        if not current.filtered(lambda rate: not (rate.prefix or rate.call_class)):
            warnings.append(
                self.env._(
                    "There is no rate for all other calls: what no rate fits is "
                    "never charged."
                )
            )
        return warnings

    def _format_validity(self, rate):
        return self.env._(
            "%(first)s to %(last)s",
            first=format_date(self.env, rate.date_from) or "…",
            last=format_date(self.env, rate.date_to) or "…",
        )

    def _get_rating_tariff(self, rates=None):
        """The plan as the pure core takes it.

        :param rates: no other rates of it than these; None: all
        """
        self.ensure_one()
        rates = self.rate_ids if rates is None else rates
        return Tariff(
            id=self.id,
            rates=tuple(rate._get_rating_rate() for rate in rates),
            amount_source=self.amount_source,
        )

    def _get_rating_allowances(self):
        """The plan's allowances as the pure core takes them."""
        self.ensure_one()
        return [allowance._get_rating_allowance() for allowance in self.allowance_ids]

    def _get_rates_by_id(self):
        """By id, the rates that price its calls: none if the platform does."""
        self.ensure_one()
        if self.amount_source == "platform":
            return {}
        return {rate.id: rate._get_rating_rate() for rate in self.rate_ids}

    def _get_rating_tariff_for(self, digits):
        """The plan with no more than the rates whose prefix a number begins with:
        quick to make of a plan of many rates, and prices this number all the same.

        :param digits: the other party, as rates match it
        """
        self.ensure_one()
        prefixes = [digits[:length] for length in range(1, len(digits) + 1)]
        rates = self.env["saperx.tariff.rate"].search(
            [("tariff_id", "=", self.id), ("prefix", "in", [False, "", *prefixes])]
        )
        return self._get_rating_tariff(rates)
