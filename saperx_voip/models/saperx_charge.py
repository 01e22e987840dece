# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter, defaultdict
from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..rating import bounds_utc, local_date


class SaperxCharge(models.Model):
    """The telephony additional: the calls of one line, in one cycle, of one run.

    Late calls of an older cycle make a charge of that cycle in the next run, so
    that a line and a cycle may have several.
    """

    _name = "saperx.charge"
    _description = "Telephony additional"
    _inherit = ["mail.thread"]
    _mail_post_access = "read"
    _order = "cycle_end desc, id desc"
    _check_company_auto = True

    line_id = fields.Many2one(
        "saperx.line",
        string="SIP line",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    period_id = fields.Many2one(
        "saperx.line.period",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    contract_id = fields.Many2one(
        "contract.contract",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    cycle_start = fields.Date(required=True, readonly=True)
    cycle_end = fields.Date(
        required=True, readonly=True, help="Its last day, inclusive."
    )
    class_ids = fields.One2many(
        "saperx.charge.class", "charge_id", string="By class", readonly=True
    )
    allowance_ids = fields.One2many(
        "saperx.charge.allowance", "charge_id", string="Allowances", readonly=True
    )
    call_count = fields.Integer(string="Calls", readonly=True)
    charged_seconds = fields.Integer(readonly=True)
    gross_amount = fields.Monetary(readonly=True)
    covered_amount = fields.Monetary(string="Allowance used", readonly=True)
    amount = fields.Monetary(readonly=True, tracking=True)
    cost = fields.Monetary(
        readonly=True,
        groups="saperx_voip.group_billing",
        help="What the calls cost on the platform, also those that were covered.",
    )
    margin = fields.Monetary(
        compute="_compute_margin",
        store=True,
        groups="saperx_voip.group_billing",
        help="Amount less cost.",
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("confirmed", "Confirmed"),
            ("invoiced", "Invoiced"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="draft",
        index=True,
        tracking=True,
    )
    confirmed_at = fields.Datetime(readonly=True)
    last_day = fields.Date(
        compute="_compute_last_day",
        help="Of the cycle, or of the line's terms if they ended inside it.",
    )
    move_line_ids = fields.One2many(
        "account.move.line", "saperx_charge_id", string="Invoice lines", readonly=True
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", compute="_compute_move_id", compute_sudo=True
    )

    @api.depends("line_id", "cycle_start", "last_day")
    def _compute_display_name(self):
        for charge in self:
            charge.display_name = (
                f"{charge.line_id.display_name} "
                f"{format_date(self.env, charge.cycle_start)} – "
                f"{format_date(self.env, charge.last_day)}"
            )

    @api.depends("cycle_end", "period_id.date_to", "integration_id.timezone")
    def _compute_last_day(self):
        for charge in self.sudo():
            charge.last_day = charge.cycle_end
            if ends := charge.period_id.date_to:
                zone = ZoneInfo(charge.integration_id.timezone)
                before = local_date(ends - timedelta(microseconds=1), zone)
                charge.last_day = min(charge.cycle_end, before)

    @api.depends("amount", "cost")
    def _compute_margin(self):
        for charge in self:
            charge.margin = charge.amount - charge.cost

    @api.depends("move_line_ids.move_id", "move_line_ids.parent_state")
    def _compute_move_id(self):
        for charge in self:
            charge.move_id = charge._get_live_move_lines().move_id[:1]

    @api.ondelete(at_uninstall=False)
    def _unlink_except_empty(self):
        if any(charge.call_count for charge in self):
            raise UserError(
                self.env._("A charge that took calls is cancelled, not deleted.")
            )

    def _check_billing(self):
        """Charges are changed by their buttons alone, and by billing alone."""
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may change charges."))

    def action_confirm(self):
        self._check_billing()
        self.filtered(lambda charge: charge.state == "draft").sudo()._confirm()

    def action_cancel(self):
        """Let go of the calls: they can be charged again."""
        self._check_billing()
        if "invoiced" in self.mapped("state"):
            raise UserError(
                self.env._(
                    "An invoiced charge is freed by deleting or cancelling its invoice."
                )
            )
        charges = self.filtered(lambda charge: charge.state != "cancelled").sudo()
        self.env.flush_all()
        freed = self.env.execute_query(
            SQL(
                # What the platform corrected meanwhile is taken by the next reading.
                "UPDATE saperx_cdr SET charge_id = NULL, state = 'unbilled',"
                " fingerprint = CASE WHEN is_changed_after_billing THEN NULL"
                " ELSE fingerprint END, is_changed_after_billing = FALSE"
                " WHERE charge_id = ANY(%s) RETURNING id",
                charges.ids,
            )
        )
        self.env["saperx.cdr"].invalidate_model()
        charges.state = "cancelled"
        # Prices, lines and numbers may have changed since they were charged.
        self.env["saperx.cdr"]._reassess([("id", "in", [call for [call] in freed])])

    def action_view_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        return {**action, "domain": [("charge_id", "=", self.id)], "context": {}}

    def action_view_invoice(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.move_id.id,
            "views": [(False, "form")],
        }

    @api.model
    def _generate(self, domain=()):
        """Charge the unbilled calls of every cycle that is ripe.

        Run twice, also at once, it makes nothing twice: calls are taken by an UPDATE
        that the second run finds done, or that makes its transaction start again.

        :param domain: of the lines to charge (``saperx.line``), beside the company's
        :return: the charges made, confirmed
        """
        ripe = [
            group for group in self._get_ripe_groups(domain) if not group["waits_for"]
        ]
        charges = self.sudo().create([self._prepare_charge(group) for group in ripe])
        charges._claim_periods()
        charges._take_calls()
        empty = charges.filtered(lambda charge: not charge.call_count)
        empty.unlink()
        charges -= empty
        charges._confirm()
        # What these cycles left is known now.
        self.env["saperx.cdr"]._draw_allowances(charges.line_id.ids)
        return charges.with_env(self.env)

    def _claim_periods(self):
        """Let nobody else draw on the same allowances at the same time: whoever comes
        second finds these rows changed, and its transaction starts again."""
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                """
                UPDATE saperx_line_period AS period
                SET charged_until = greatest(period.charged_until, taken.cycle_end)
                FROM (
                    SELECT held.contract_id, held.tariff_id,
                           max(charge.cycle_end) AS cycle_end
                    FROM saperx_charge AS charge
                    JOIN saperx_line_period AS held ON held.id = charge.period_id
                    WHERE charge.id = ANY(%s)
                    GROUP BY held.contract_id, held.tariff_id
                ) AS taken
                WHERE period.contract_id = taken.contract_id
                AND period.tariff_id IS NOT DISTINCT FROM taken.tariff_id
                RETURNING period.id
                """,
                self.ids,
            )
        )
        self.env["saperx.line.period"].invalidate_model(["charged_until"])

    @api.model
    def _get_ripe_groups(self, domain=()):
        """What there is to charge: unbilled calls by line, period and cycle.

        :return: a list of dicts with ``line``, ``period``, ``cycle_end``, ``calls``,
            ``amount`` and ``waits_for`` (why the cycle cannot be charged yet, or
            None), only-active-lines applied as ``waits_for`` too
        """
        groups = self._read_unbilled_groups(
            [("company_id", "in", self.env.companies.ids), *domain]
        )
        # Lines that share an allowance are charged together: what is left of it is
        # fixed when its cycle is first charged.
        shares = {self._get_share(group) for group in groups} - {None}
        known = {(group["line"], group["period"]) for group in groups}
        sharers = self._get_sharing_periods(shares).line_id
        groups += [
            group
            for group in self._read_unbilled_groups([("id", "in", sharers.ids)])
            if self._get_share(group) in shares
            and (group["line"], group["period"]) not in known
        ]
        obstacles = {share: self._get_share_obstacle(*share) for share in shares}
        for group in groups:
            group["waits_for"] = self._get_obstacle(group) or obstacles.get(
                self._get_share(group)
            )
        for group in groups:
            group["waits_for"] = group["waits_for"] or self._get_inactivity(group)
        return groups

    @api.model
    def _read_unbilled_groups(self, line_domain):
        return [
            {
                "line": line,
                "period": period,
                "cycle_end": cycle_end,
                "calls": calls,
                "amount": amount,
            }
            for line, period, cycle_end, calls, amount in self.env["saperx.cdr"]
            .sudo()
            ._read_group(
                [("state", "=", "unbilled"), ("line_id", "any", line_domain)],
                ["line_id", "period_id", "cycle_end:day"],
                ["__count", "charged_amount:sum"],
                order="cycle_end:day, line_id, period_id",
            )
        ]

    @api.model
    def _get_share(self, group):
        """What an allowance of the group's plan is shared by in its cycle, or None."""
        period = group["period"]
        if any(period.tariff_id.allowance_ids.mapped("is_shared")):
            return period.contract_id, period.tariff_id, group["cycle_end"]
        return None

    @api.model
    def _get_sharing_periods(self, shares):
        """The periods of all lines that share, with calls or without."""
        period_model = self.env["saperx.line.period"].sudo()
        pairs = {(contract, tariff) for contract, tariff, _cycle_end in shares}
        return period_model.search(
            Domain.OR(
                [("contract_id", "=", contract.id), ("tariff_id", "=", tariff.id)]
                for contract, tariff in pairs
            )
        )

    @api.model
    def _get_share_obstacle(self, contract, tariff, cycle_end):
        """Why a shared cycle is not charged now, in words, or None: it waits for each
        line that may have calls in it."""
        for period in self._get_sharing_periods({(contract, tariff, cycle_end)}):
            group = {"line": period.line_id, "period": period, "cycle_end": cycle_end}
            begins, ends = self._get_bounds(group)
            if (period.date_from and period.date_from >= ends) or (
                period.date_to and period.date_to <= begins
            ):
                continue
            if reason := self._get_obstacle(group):
                return self.env._(
                    "the line %(line)s, which shares its allowance: %(reason)s",
                    line=period.line_id.display_name,
                    reason=reason,
                )
        return None

    @api.model
    def _get_obstacle(self, group):
        """Why a cycle is not charged now, in words, or None."""
        integration = group["line"].integration_id
        cycle_end = group["cycle_end"]
        ends = self._get_bounds(group)[1]
        now = fields.Datetime.now()
        if now < ends:
            return self.env._(
                "the cycle runs until %s", format_date(self.env, cycle_end)
            )
        if not integration.imported_until or integration.imported_until < ends:
            return self.env._("its calls are not imported to the end yet")
        ripe_at = ends + timedelta(days=integration.waiting_days)
        if now < ripe_at:
            return self.env._(
                "calls that come late, until %s", format_date(self.env, ripe_at.date())
            )
        if self._is_being_rated(group):
            return self.env._("its calls are rated again, since prices changed")
        return None

    @api.model
    def _is_being_rated(self, group):
        """Whether calls of the group may still have former prices."""
        tariff = group["period"].tariff_id
        if tariff._is_being_rated_again():
            return True
        # A page that was rated before the change may be stored after it; the end of
        # the import's run finds it.
        return bool(
            tariff.rates_changed_at
            and self.env["saperx.cdr.import"]
            .sudo()
            .search_count(
                [
                    ("integration_id", "=", group["line"].integration_id.id),
                    ("state", "=", "running"),
                    ("started_at", "<=", tariff.rates_changed_at),
                ],
                limit=1,
            )
        )

    @api.model
    def _get_inactivity(self, group):
        """Why a cycle is not charged at all, in words, or None."""
        line = group["line"]
        if line.integration_id.charge_only_active_lines and not line._was_active(
            *self._get_bounds(group)
        ):
            return self.env._("nothing: the line was not active in this cycle")
        return None

    @api.model
    def _get_bounds(self, group):
        """The moments (naive UTC, half open) between which the cycle runs."""
        cycle_end = group["cycle_end"]
        first, _last = group["period"]._get_cycle(cycle_end)
        timezone = ZoneInfo(group["line"].integration_id.timezone)
        return bounds_utc(first, cycle_end, timezone)

    @api.model
    def _prepare_charge(self, group):
        line, period = group["line"], group["period"]
        cycle_start, _last = period._get_cycle(group["cycle_end"])
        if period.date_from:
            # A period that begins inside a cycle charges from there on.
            timezone = ZoneInfo(line.integration_id.timezone)
            cycle_start = max(cycle_start, local_date(period.date_from, timezone))
        return {
            "line_id": line.id,
            "period_id": period.id,
            "integration_id": line.integration_id.id,
            "contract_id": period.contract_id.id,
            "partner_id": period.partner_id.id,
            "company_id": line.company_id.id,
            "cycle_start": cycle_start,
            # As it stands on the calls, which are found by it.
            "cycle_end": group["cycle_end"],
        }

    def _take_calls(self):
        """Stamp the calls of these drafts and add them up, by set."""
        if not self:
            return
        self.flush_model()
        self.env["saperx.cdr"].flush_model()
        self.env.execute_query(
            SQL(
                """
                UPDATE saperx_cdr AS call
                SET charge_id = charge.id, state = 'billed'
                FROM saperx_charge AS charge
                WHERE charge.id = ANY(%s)
                AND call.line_id = charge.line_id
                AND call.period_id = charge.period_id
                AND call.cycle_end = charge.cycle_end
                AND call.state = 'unbilled'
                RETURNING call.id
                """,
                self.ids,
            )
        )
        self.env["saperx.cdr"].invalidate_model()
        self._mark_rates()
        self._draw_allowances()
        totals = defaultdict(list)
        for charge_id, *values in self.env.execute_query(
            SQL(
                """
                SELECT charge_id, call_class, count(*), sum(charged_seconds),
                       sum(gross_amount), sum(covered_amount), sum(charged_amount),
                       sum(platform_cost)
                FROM saperx_cdr WHERE charge_id = ANY(%s)
                GROUP BY charge_id, call_class ORDER BY call_class
                """,
                self.ids,
            )
        ):
            totals[charge_id].append(values)
        self.env["saperx.charge.class"].create(
            [
                {
                    "charge_id": charge_id,
                    "call_class": call_class,
                    "call_count": calls,
                    "charged_seconds": seconds,
                    "gross_amount": gross,
                    "covered_amount": covered,
                    "amount": amount,
                }
                for charge_id, rows in totals.items()
                for call_class, calls, seconds, gross, covered, amount, _cost in rows
            ]
        )
        for charge in self:
            rows = totals[charge.id]
            charge.write(
                {
                    "call_count": sum(row[1] for row in rows),
                    "charged_seconds": sum(row[2] for row in rows),
                    "gross_amount": sum(row[3] for row in rows),
                    "covered_amount": sum(row[4] for row in rows),
                    "amount": sum(row[5] for row in rows),
                    "cost": sum(row[6] or 0 for row in rows),
                }
            )

    def _mark_rates(self):
        """What priced charged calls explains them from now on."""
        self.env.execute_query(
            SQL(
                """
                UPDATE saperx_tariff_rate SET is_charged = TRUE
                WHERE is_charged IS NOT TRUE AND id IN (
                    SELECT rate_id FROM saperx_cdr WHERE charge_id = ANY(%s)
                )
                RETURNING id
                """,
                self.ids,
            )
        )
        self.env["saperx.tariff.rate"].invalidate_model(["is_charged"])

    def _draw_allowances(self):
        """Let the calls of these charges draw for good, and keep what was drawn."""
        calls_model = self.env["saperx.cdr"].sudo()
        rows = []
        for lines, contract_ids in calls_model._split_by_ledger(self.line_id.ids):
            charges = self.filtered(
                lambda c, lines=lines, ids=contract_ids: (
                    c.line_id in lines and c.contract_id.id in ids
                )
            ).sorted("id")
            ledger, rates = lines._get_ledger()
            calls, stored = calls_model._read_open_calls(
                rates, SQL("call.charge_id = ANY(%s)", charges.ids)
            )
            drawings = list(ledger.draw(calls))
            calls_model._store_drawn(drawings, stored)
            used = Counter()
            for call, drawn in drawings:
                charge_id = stored[call.id][0]
                for allowance_id, quantity in drawn.uses:
                    used[charge_id, allowance_id] += quantity
            rows += charges._prepare_allowances(ledger, used)
        self.env["saperx.charge.allowance"].create(rows)

    def _prepare_allowances(self, ledger, used):
        """The rows by which these charges stand in the ledger.

        :param used: by charge and allowance id, what its calls drew
        """
        return [
            {
                "charge_id": charge.id,
                "allowance_id": key.allowance_id,
                "stretch_id": not balance.allowance.is_shared and key.holder_id,
                "own_quantity": balance.own,
                "carried_quantity": balance.carried,
                "used_quantity": used[charge.id, key.allowance_id],
                "carried_away": balance.carried_away,
            }
            for charge in self
            for key, balance in ledger.close(
                charge.period_id.id, charge.cycle_end
            ).items()
        ]

    def _confirm(self):
        self.write({"state": "confirmed", "confirmed_at": fields.Datetime.now()})

    def _get_live_move_lines(self):
        """Lines of invoices that were not cancelled."""
        return self.sudo().move_line_ids.filtered(
            lambda line: line.parent_state != "cancel"
        )

    def _mark_invoiced(self):
        """Their invoice lines exist now.

        :raise UserError: if one of them is on another live invoice already, or on one
            that is not its own
        """
        for charge in self:
            lines = charge._get_live_move_lines()
            if charge.state == "cancelled":
                raise UserError(
                    self.env._(
                        "The charge %s cannot be invoiced: it was cancelled.",
                        charge.display_name,
                    )
                )
            if len(lines.move_id) > 1:
                raise UserError(
                    self.env._(
                        "The charge %(charge)s cannot be on two invoices: "
                        "%(invoices)s.",
                        charge=charge.display_name,
                        invoices=", ".join(lines.move_id.mapped("display_name")),
                    )
                )
            if not charge._is_whole_on(lines):
                raise UserError(
                    self.env._(
                        "The charge %s goes onto an invoice of its contract and "
                        "customer, whole: invoice it from its contract.",
                        charge.display_name,
                    )
                )
        self.filtered(lambda charge: charge.state != "invoiced").state = "invoiced"

    def _is_whole_on(self, lines):
        """Whether these invoice lines carry the charge, and nothing else."""
        self.ensure_one()
        move = lines.move_id
        payers = self.partner_id | self.contract_id.invoice_partner_id
        amount = sum(line.price_unit * line.quantity for line in lines)
        return (
            move.company_id == self.company_id
            and move.move_type == "out_invoice"
            and move.commercial_partner_id in payers.commercial_partner_id
            and lines.contract_line_id.contract_id == self.contract_id
            and self.currency_id.compare_amounts(amount, self.amount) == 0
        )

    def _is_of_former_customer(self):
        """Whether the contract has gone to somebody else since."""
        self.ensure_one()
        present = self.contract_id.partner_id.commercial_partner_id
        return self.partner_id.commercial_partner_id != present

    def _free_if_uninvoiced(self):
        """Their invoice lines went: they wait for the next invoice."""
        self.exists().filtered(
            lambda charge: (
                charge.state == "invoiced" and not charge._get_live_move_lines()
            )
        ).state = "confirmed"

    def _prepare_move_lines(self):
        """:return: values of the invoice lines that carry these charges"""
        values = []
        for charge in self:
            telephony_line = charge.contract_id._ensure_telephony_line(
                charge.integration_id.product_id
            )
            for label, amount in charge._get_invoice_amounts():
                values.append(
                    {
                        **telephony_line._prepare_telephony_move_line(),
                        "product_id": charge.integration_id.product_id.id,
                        "product_uom_id": charge.integration_id.product_id.uom_id.id,
                        "name": charge._get_invoice_text(label),
                        # Quantities and unit prices have two decimals: the exact
                        # total stands in the price, once.
                        "quantity": 1,
                        "price_unit": amount,
                        "saperx_charge_id": charge.id,
                    }
                )
        return values

    def _get_invoice_amounts(self):
        """:return: pairs of a label (or None) and an amount that is not zero"""
        self.ensure_one()
        if self.integration_id.charge_granularity == "total":
            return [(None, self.amount)]
        classes = dict(
            self.env["saperx.charge.class"]
            .with_context(lang=self.partner_id.lang)
            ._fields["call_class"]
            ._description_selection(self.with_context(lang=self.partner_id.lang).env)
        )
        return [
            (classes[item.call_class], item.amount)
            for item in self.class_ids
            if item.amount
        ]

    def _get_invoice_text(self, label):
        self.ensure_one()
        charge = self.with_context(lang=self.partner_id.lang)
        text = charge.env._(
            "Telephony %(number)s, %(start)s to %(end)s",
            number=charge.line_id.display_name,
            start=format_date(charge.env, charge.cycle_start),
            end=format_date(charge.env, charge.last_day),
        )
        return f"{text} · {label}" if label else text
