"""The provider's Odoo: what its staff and its scheduled actions do, on a frozen clock.

Everything goes through what a user presses or a scheduled action runs.
"""

import logging
import re
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from fractions import Fraction

from environment import databases, odoo, paths
from freezegun import freeze_time

from odoo import SUPERUSER_ID, Command, api, fields
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.sql_db import close_db
from odoo.tools import config

from .story import FIRST_DAY, key_of

PRICES = 6


def decimal(fraction):
    """A price as Odoo takes it from a form."""
    return float(fraction)


def install(database):
    """A fresh database with the addon."""
    databases.fresh(database)
    log = paths.LOGS / f"{database}-install.log"
    odoo.run(["-d", database, "-i", paths.ADDON], "Installing the addon", log)


@contextmanager
def opened(database, installed=None):
    """A database with the addon, which is dropped in the end.

    :param installed: one to copy, so that nothing needs to be installed
    :return: an environment as its administrator
    """
    if installed:
        databases.copy(installed, database)
    else:
        install(database)
    log = paths.LOGS / f"{database}.log"
    log.unlink(missing_ok=True)
    config.parse_config(["-c", str(paths.CONFIG), "--logfile", str(log)])
    # In a frozen moment nothing takes any time.
    logging.getLogger("odoo.sql_db").setLevel(logging.WARNING)
    try:
        with Registry(database).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            admin = env.ref("base.user_admin")
            admin.write({"lang": "pt_BR", "tz": "America/Sao_Paulo"})
            yield env(user=admin, context={"lang": "pt_BR", "tracking_disable": True})
    finally:
        close_db(database)
        databases.drop(database)


class Provider:
    def __init__(self, env, sandboxes, story):
        """:param sandboxes: one for each platform of the story"""
        self.env = env
        self.sandboxes = sandboxes
        self.story = story
        self.refused = Counter()
        self.reasons = Counter()
        self.contracts = {}
        self.lines = {}
        self.tariffs = {}
        self.rates = {}
        """By number of a tariff, its rates in the order of the story."""
        self.customers = {}
        # msgspec reads no datetimes but real ones.
        self._clock = freeze_time(
            f"{FIRST_DAY} 15:00:00", ignore=["odoo.addons.saperx_voip.gateway"]
        )
        self._frozen = None

    # The clock

    def __enter__(self):
        self._frozen = self._clock.start()
        return self

    def __exit__(self, *_trouble):
        self._clock.stop()

    def travel(self, moment):
        """:param moment: aware"""
        self._frozen.move_to(moment.astimezone(UTC).replace(tzinfo=None))

    def act(self, action, *arguments):
        """One request of a user. :return: its result, or None if it is refused"""
        try:
            result = action(*arguments)
            self.env.flush_all()
            self.env.cr.commit()
        except UserError as error:
            self.env.cr.rollback()
            self.env.invalidate_all()
            self.refused[action.__name__] += 1
            self.reasons[str(error)[:90]] += 1
            return None
        finally:
            self.env.invalidate_all()
        return True if result is None else result

    def run_cron(self, name):
        self._run(self.env.ref(name))

    def _run(self, cron):
        cron.sudo().method_direct_trigger()
        self.env.cr.commit()
        self.env.invalidate_all()

    # At the beginning

    def set_up(self):
        companies = self._make_companies()
        env = self.env = self.env(
            context={
                **self.env.context,
                "allowed_company_ids": [company.id for company in companies],
            }
        )
        self.companies = [company.with_env(env) for company in companies]
        journals = env["account.journal"].search([("type", "=", "sale")])
        journals.l10n_latam_use_documents = False
        env["saperx.sentinel"].search([]).active = False
        self.integrations = [
            self._make_integration(platform)
            for platform in range(len(self.story.companies))
        ]
        self.plans = [
            env["saperx.plan"].search(
                [("scope", "=", "national"), ("integration_id", "=", each.id)], limit=1
            )
            for each in self.integrations
        ]
        self.fee = env["product.product"].create(
            {"name": "Internet", "type": "service", "taxes_id": [Command.clear()]}
        )
        for tariff in self.story.tariffs:
            made = self._make_tariff(tariff)
            self.tariffs[tariff["id"]] = made
            self.rates[tariff["id"]] = list(made.rate_ids.sorted("id"))
        for contract in self.story.contracts:
            self.contracts[contract.number] = self._make_contract(contract)
        first = [line for line in self.story.lines if line.since == FIRST_DAY]
        made = env["saperx.line"].create([self._line_values(line) for line in first])
        self.lines = dict(zip([line.number for line in first], made, strict=True))
        self.schedules = {
            (task, platform): env["saperx.schedule"].create(
                {"task": task, "integration_id": integration.id}
            )
            for task in ("import", "charge")
            for platform, integration in enumerate(self.integrations)
        }
        env.cr.commit()
        self.push()

    def _make_companies(self):
        first = self.env.company
        companies = [first]
        for number in sorted(set(self.story.companies) - {0}):
            company = self.env["res.company"].create(
                {
                    "name": f"Provedor {number}",
                    "country_id": first.country_id.id,
                    "currency_id": first.currency_id.id,
                }
            )
            self.env["account.chart.template"].try_loading("br", company=company)
            companies.append(company)
        return companies

    def _make_integration(self, platform):
        integration = self.env["saperx.integration"].create(
            {
                "name": f"SaperX {platform}",
                "company_id": self.companies[self.story.companies[platform]].id,
                "environment": "homologation",
                "base_url": self.sandboxes[platform].url,
                "username": "sandbox",
                "password": "sandbox-senha",
                "api_key": "sandbox-key",
                "api_secret": "sandbox-secret",
                "charge_granularity": (
                    "class" if (self.story.seed + platform) % 2 else "total"
                ),
                "credit_limit_required": False,
            }
        )
        integration.action_sync_plans()
        return integration

    def _make_tariff(self, tariff):
        source = "platform" if tariff["source"] == "platform" else None
        values = {
            "name": f"Plano {tariff['id']}",
            "company_id": self.companies[tariff["company"]].id,
            "rate_ids": [
                Command.create(
                    {
                        "prefix": rate["prefix"] or False,
                        "call_class": rate["call_class"] or False,
                        "sequence": rate["sequence"],
                        "price_per_minute": decimal(rate["price"]),
                        "connection_fee": decimal(rate["fee"]),
                        "minimum_seconds": rate["minimum"],
                        "step_seconds": rate["step"],
                        "discard_seconds": rate["discard"],
                    }
                )
                for rate in tariff["rates"]
            ],
            "allowance_ids": [
                Command.create(self._allowance_values(each))
                for each in tariff["allowances"]
            ],
        }
        if source:
            values["amount_source"] = source
        return self.env["saperx.tariff"].create(values)

    def _allowance_values(self, allowance):
        in_minutes = allowance["unit"] == "minutes"
        classes = self.env["saperx.call.class"].search(
            [("code", "in", allowance["classes"])]
        )
        quantity = allowance["quantity"]
        return {
            "unit": allowance["unit"],
            "quantity": float(quantity / 60 if in_minutes else quantity),
            "sequence": allowance["sequence"],
            "class_ids": [Command.set(classes.ids)],
            "prefixes": ", ".join(allowance["prefixes"]) or False,
            "is_shared": allowance["shared"],
            "carries_over": allowance["carry"],
            "is_pro_rata": allowance["pro_rata"],
        }

    def _customer(self, number):
        if number not in self.customers:
            self.customers[number] = self.env["res.partner"].create(
                {"name": f"Cliente {number}", "lang": "pt_BR"}
            )
        return self.customers[number]

    def _make_contract(self, contract):
        kind = "pre-paid" if contract.is_prepaid_fee else "post-paid"
        contracts = self.env["contract.contract"]
        return contracts.with_company(self.companies[contract.company]).create(
            {
                "name": f"Contrato {contract.number}",
                "company_id": self.companies[contract.company].id,
                "partner_id": self._customer(contract.customer).id,
                "contract_type": "sale",
                "contract_line_ids": [
                    Command.create(
                        {
                            "name": "Internet #START# #END#",
                            "product_id": self.fee.id,
                            "quantity": 1,
                            "price_unit": 100,
                            "specific_price": 100,
                            "date_start": contract.fee_from,
                            "recurring_rule_type": "monthly",
                            "recurring_invoicing_type": kind,
                        }
                    )
                ],
            }
        )

    def _line_values(self, line):
        values = {
            "contract_id": self.contracts[line.contract].id,
            "integration_id": self.integrations[line.platform].id,
            "plan_id": self.plans[line.platform].id,
            "tariff_id": line.tariff is not None and self.tariffs[line.tariff].id,
            "closing_day": line.closing_day,
            "did_ids": [
                Command.create({"number": line.phone, "accept_collect_calls": True})
            ],
        }
        if line.is_prepaid:
            values["billing_type"] = "prepaid"
        return values

    # What people do

    def begin_line(self, line):
        self.lines[line.number] = self.env["saperx.line"].create(
            self._line_values(line)
        )

    def change_terms(self, event):
        """*Alterar…* :return: the wizard's further lines, which change along"""
        values = {
            "line_ids": [Command.set(self.lines[event.subject].ids)],
            "when": event.when,
        }
        for name, number in event.values.items():
            if name == "closing_day":
                values["closing_day"] = number
            else:
                values[f"{name}_id"] = getattr(self, f"{name}s")[number].id
        self.env["saperx.line.change.wizard"].create(values).action_apply()

    def end_line(self, event, day):
        self.env["saperx.line.end.wizard"].create(
            {
                "line_ids": [Command.set(self.lines[event.subject].ids)],
                "date": day,
                "comment": "O cliente pediu",
            }
        ).action_end()

    def terminate_contract(self, event, day):
        reason = self.env["contract.terminate.reason"].search([], limit=1)
        reason = reason or reason.create({"name": "Pedido do cliente"})
        contract = self.contracts[event.subject]
        self.env["contract.contract.terminate"].with_context(
            default_contract_id=contract.id
        ).create(
            {
                "contract_id": contract.id,
                "terminate_reason_id": reason.id,
                "terminate_comment": "O cliente pediu",
                "terminate_date": day,
            }
        ).terminate_contract()

    def change_customer(self, event):
        customer = self._customer(event.values["customer"])
        # As the form has it.
        self.contracts[event.subject].write(
            {"partner_id": customer.id, "invoice_partner_id": customer.id}
        )

    def follow_price(self, event, day):
        """*Novo preço a partir de uma data*"""
        rates = self.rates[event.subject]
        rate = rates[event.values["place"]]
        known = rate.tariff_id.rate_ids
        wizard = self.env["saperx.rate.price.wizard"].create(
            {"rate_id": rate.id, "date_from": day}
        )
        # Its form takes the rest from the rate.
        wizard.price_per_minute = decimal(event.values["price"])
        wizard.action_apply()
        rates += rate.tariff_id.rate_ids - known

    def set_price(self, event):
        """In the plan's form."""
        rate = self.rates[event.subject][event.values["place"]]
        rate.tariff_id.rate_ids = [
            Command.update(
                rate.id, {"price_per_minute": decimal(event.values["price"])}
            )
        ]

    def recalculate(self):
        """What the change of a price set going."""
        self.run_cron("saperx_voip.ir_cron_recalculate")

    # What the platform and the scheduled actions do

    def push(self):
        self.run_cron("saperx_voip.ir_cron_push")

    def begin_day(self):
        for name in ("moments", "contract_life"):
            self.run_cron(f"saperx_voip.ir_cron_{name}")

    def circuits(self):
        """By our line's number, the platform's line."""
        by_reference = {
            circuit["referencia"]: circuit
            for sandbox in self.sandboxes
            for circuit in sandbox.ledger()["circuitos"]
        }
        return {
            number: by_reference[line.reference] for number, line in self.lines.items()
        }

    def run_schedule(self, task, platform):
        schedule = self.schedules[task, platform]
        schedule.action_run_now()
        self.env.cr.commit()
        self._run(schedule.cron_id)
        assert schedule.last_state in ("done", "running"), schedule.last_error
        return schedule

    def import_by_schedule(self, platform):
        """:return: the run"""
        return self._read(self.run_schedule("import", platform).last_import_id)

    def import_by_hand(self, platform, first, last):
        """*Importar ligações* :return: the run"""
        wizard = self.env["saperx.import.wizard"].create(
            {
                "integration_id": self.integrations[platform].id,
                "date_from": first,
                "date_to": last,
            }
        )
        run = self.env["saperx.cdr.import"].browse(wizard.action_import()["res_id"])
        self.env.cr.commit()
        return self._read(run)

    def _read(self, run):
        self._run(run.integration_id.import_cron_id)
        assert run.state == "done", (run.state, run.error)
        return run

    def charge_by_wizard(self, platform):
        """*Gerar adicional de telefonia*"""
        integration = self.integrations[platform]
        wizard = self.env["saperx.charge.wizard"].with_company(integration.company_id)
        wizard.create({"integration_id": integration.id}).action_generate()

    def charge_by_schedule(self, platform):
        self.run_schedule("charge", platform)

    def confirm_charges(self):
        """What a rule holds, somebody looks at and confirms."""
        held = self.env["saperx.charge"].search([("state", "=", "draft")])
        held.action_confirm()

    def invoice(self):
        self.run_cron("contract.contract_cron_for_invoice")
        self.run_cron("saperx_voip.ir_cron_invoice_telephony")

    def invoice_fees(self):
        """What is due, one period of each contract. :return: whether anything was"""
        self.run_cron("contract.contract_cron_for_invoice")
        drafts = self._drafts()
        self.act(drafts.action_post)
        return bool(drafts)

    def invoice_by_button(self, rng):
        """OCA's on a contract whose fee is due, ours on one that has charges."""
        today = fields.Date.today()
        due = [c for c in self.contracts.values() if c.recurring_next_date == today]
        for contract in due[:1]:
            self.act(contract.recurring_create_invoice)
        charged = self.env["saperx.charge"].search([("state", "=", "confirmed")])
        contracts = charged.contract_id
        for contract in contracts.browse(
            rng.sample(contracts.ids, len(contracts) // 8)
        ):
            self.act(contract.action_invoice_telephony)

    def delete_drafts(self, rng):
        drafts = self._drafts().filtered(self._is_latest)
        for move in drafts.browse(rng.sample(drafts.ids, min(3, len(drafts)))):
            self.act(move.unlink)

    def _is_latest(self, move):
        """A fee is given back by deleting the invoice of its latest period alone, which
        one that was credited and drafted again need not be of."""
        fees = self.env["account.move.line"].search(
            [
                ("contract_line_id", "in", move.invoice_line_ids.contract_line_id.ids),
                ("contract_line_id.is_telephony", "=", False),
                ("move_type", "=", "out_invoice"),
                ("parent_state", "!=", "cancel"),
            ]
        )
        begins = {fee: _first_date(fee.name) for fee in fees}
        return all(
            begins[own] >= begins[other]
            for own in fees & move.invoice_line_ids
            for other in fees
            if own.contract_line_id == other.contract_line_id
        )

    def post_drafts(self, rng=None):
        """Half of them, or all."""
        drafts = self._drafts()
        if rng:
            drafts = drafts.browse(rng.sample(drafts.ids, len(drafts) // 2))
        self.act(drafts.action_post)
        self.run_cron("saperx_voip.ir_cron_dispute_credits")

    # Disputes, and invoices made again

    def find_calls(self, where, count, rng):
        """Some calls of one contract and customer that cost something.

        :param where: a domain of calls
        :return: calls, maybe none
        """
        calls = self.env["saperx.cdr"]
        found = calls.search([("charged_amount", ">", 0), *where], order="remote_id")
        if not found:
            return calls
        groups = found.grouped(lambda call: (call.contract_id, call.partner_id))
        some = rng.choice(list(groups.values()))
        return some.browse(rng.sample(some.ids, min(count, len(some))))

    def find_calls_of(self, charge):
        return self.env["saperx.cdr"].search([("charge_id", "=", charge.id)])

    def accept(self, dispute, only, turned_down):
        """:param only: an amount, of a charge
        :param turned_down: ids of the calls that are charged all the same"""
        if only:
            dispute.only_amount = decimal(only)
        for row in dispute.call_ids:
            row.is_accepted = self.key_of(row.call_id) not in turned_down
        dispute.action_accept()

    @staticmethod
    def money(amount):
        """:return: exactly, what Odoo hands out as a float"""
        return Fraction(str(amount))

    def dispute(self, calls=(), charge=None):
        """:return: the dispute, which is open"""
        return self.env["saperx.dispute"].create(
            {
                "reason": "not_recognised",
                "charge_id": charge and charge.id,
                "call_ids": [Command.create({"call_id": call.id}) for call in calls],
            }
        )

    def stands(self, idents):
        """Where charged calls stand. :return: by id, the state of its charge"""
        wanted = [ident.split("\x01")[0] for ident in idents]
        calls = self.env["saperx.cdr"].search([("remote_id", "in", wanted)])
        found = {self.key_of(call): call.charge_id.state for call in calls}
        return {ident: found[ident] for ident in idents}

    def key_of(self, call):
        return key_of(call.remote_id, self.integrations.index(call.integration_id))

    def keys_of(self, calls):
        return [self.key_of(call) for call in calls]

    def reverse(self, rng):
        """*Estornar e refaturar*, of some charges of a posted invoice.

        :return: ids of the calls that are let go
        """
        charges = self.env["saperx.charge"].search([("state", "=", "invoiced")])
        moves = charges.move_id.filtered(lambda move: move.state == "posted")
        # What was credited of a charge already stays with its invoice.
        moves -= self.env["saperx.dispute"].search([]).call_ids.charge_id.move_id
        if not moves:
            return []
        move = moves.browse(rng.choice(moves.ids))
        of_move = charges.filtered(lambda charge: charge.move_id == move)
        some = of_move.browse(rng.sample(of_move.ids, (len(of_move) + 1) // 2))
        wizard = self.env["saperx.charge.reversal.wizard"]
        wizard = wizard.browse(some.action_reverse()["res_id"])
        wizard.write(
            {
                "reason": "Endereço errado",
                "scope": rng.choice(("telephony", "whole")),
                "follow": rng.choice(("next", "now", "recalculate", "recalculate")),
            }
        )
        concerned = of_move if wizard.scope == "whole" else some
        calls = self.env["saperx.cdr"].search([("charge_id", "in", concerned.ids)])
        idents = self.keys_of(calls)
        wizard.action_reverse()
        return idents if wizard.follow == "recalculate" else []

    def _drafts(self):
        return self.env["account.move"].search(
            [("state", "=", "draft"), ("move_type", "=", "out_invoice")]
        )

    def now(self):
        return fields.Datetime.now().replace(tzinfo=UTC)

    def imported_until(self):
        """By platform."""
        return [
            integration.imported_until.replace(tzinfo=UTC)
            for integration in self.integrations
        ]


def _first_date(text):
    """:return: that of a fee's period, as its invoice names it"""
    return datetime.strptime(re.search(r"\d\d/\d\d/\d{4}", text)[0], "%d/%m/%Y")
