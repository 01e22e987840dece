# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date, timedelta
from itertools import count, product

from freezegun import freeze_time

from odoo import Command, fields

from odoo.addons.saperx_voip.gateway import LineStatus, Unreachable

from .common import SaperxCase, moment

ONE_DAY = timedelta(days=1)
TODAY = date(2026, 11, 16)
DAYS = {"past": date(2026, 11, 9), "today": TODAY, "future": date(2026, 11, 20)}
# Midnight of the future day in São Paulo.
ITS_MOMENT = moment("2026-11-20 03:00:00")
LINES = ("active", "blocked", "inactive", "pending", "refused", "ported")


class TestContractEnd(SaperxCase):
    """How a contract can end × platform up or down × state of the line × date.

    What then happens on the platform is tested against the sandbox, in
    ``tests/e2e/test_contract_end.py``.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "America/Sao_Paulo"
        cls.reason = cls.env["contract.terminate.reason"].create(
            {"name": "Moved", "terminate_comment_required": False}
        )
        cls.env["saperx.number.range"].create(
            {"name": "Ours", "area_code": "11", "first": "30000000", "last": "30000999"}
        )
        cls.cron = cls.env.ref("saperx_voip.ir_cron_contract_life")
        cls.numbers = count(551130000000)
        cls.ported_numbers = count(555132110000)
        cls.remote_ids = count(1)

    # === Ways to end: each ends the contract on a day, the first one without it ===

    def _end_by_wizard(self, contract, day):
        wizard = self.env["contract.contract.terminate"].create(
            {
                "contract_id": contract.id,
                "terminate_reason_id": self.reason.id,
                "terminate_date": day,
            }
        )
        wizard.terminate_contract()

    def _end_by_wizard_after_invoice(self, contract, day):
        contract.recurring_create_invoice()
        fee = self._get_fees(contract)
        self.assertGreater(fee.last_date_invoiced, day)
        self._end_by_wizard(contract, day)
        self.assertEqual(fee.date_end, fee.last_date_invoiced)

    def _end_by_write(self, contract, day):
        contract.write({"is_terminated": True, "terminate_date": day})

    def _end_by_moving_the_termination(self, contract, day):
        self._end_by_wizard(contract, date(2027, 6, 1))
        contract.terminate_date = day

    def _end_by_stopping_fees(self, contract, day):
        self._get_fees(contract).stop(day - ONE_DAY)

    def _end_by_date_of_fees(self, contract, day):
        self._get_fees(contract).date_end = day - ONE_DAY

    def _end_by_own_date(self, contract, day):
        contract.write({"line_recurrence": False, "date_end": day - ONE_DAY})

    def _end_by_own_fee(self, contract, day):
        self._add_own_fee(contract).stop(day - ONE_DAY)
        self.assertFalse(contract._is_dead(day))

    def _end_by_archiving(self, contract):
        contract.action_archive()

    def _end_by_cancelling_fees(self, contract):
        self._get_fees(contract).cancel()

    def _end_by_deleting_the_last_living_fee(self, contract):
        self._get_fees(contract).copy().cancel()
        self.assertFalse(contract._is_dead(TODAY))
        self._get_fees(contract).filtered(lambda fee: not fee.is_canceled).unlink()

    def _end_by_cancelling_own_fee(self, contract):
        self._add_own_fee(contract).cancel()
        self.assertFalse(contract._is_dead(TODAY))

    DATED = (
        "wizard",
        "wizard_after_invoice",
        "write",
        "moving_the_termination",
        "stopping_fees",
        "date_of_fees",
        "own_date",
        "own_fee",
    )
    AT_ONCE = (
        "archiving",
        "cancelling_fees",
        "deleting_the_last_living_fee",
        "cancelling_own_fee",
    )

    # === The table ===

    def _get_fees(self, contract):
        return contract._get_product_lines().filtered(lambda fee: fee.name != "Phone")

    def _add_own_fee(self, contract):
        fee = self._get_fees(contract).copy({"name": "Phone"})
        contract.saperx_line_ids.contract_line_id = fee
        return fee

    def _make_customer(self, name):
        """A contract with a line in each state.

        :return: the contract, and what each line was
        """
        contract = self._make_contract(self.partner, name=name)
        values = {
            "contract_id": contract.id,
            "integration_id": self.integration.id,
            "plan_id": self.plan.id,
            "tariff_id": self.tariff.id,
            "closing_day": 31,
            "credit_limit": 300,
        }
        lines = self.env["saperx.line"].create(
            [
                {
                    **values,
                    "portability": "in" if kind == "ported" else "no",
                    "did_ids": [
                        Command.create(
                            {
                                "number": str(
                                    next(
                                        self.ported_numbers
                                        if kind == "ported"
                                        else self.numbers
                                    )
                                ),
                                "porting_at": kind == "ported" and "2026-11-01",
                            }
                        )
                    ],
                }
                for kind in LINES
            ]
        )
        by_kind = dict(zip(LINES, lines, strict=True))
        self.env["saperx.line.block"].create(
            {"line_id": by_kind["blocked"].id, "reason": "fraud"}
        )
        by_kind["inactive"].is_active = False
        for kind, line in by_kind.items():
            line._write_sync(
                {
                    "remote_id": next(self.remote_ids),
                    "was_claimed": True,
                    "pushed_revision": line.revision,
                    "pushed_status": line._get_wanted_status().value,
                    "sync_state": {"pending": "pending", "refused": "error"}.get(
                        kind, "synced"
                    ),
                    "next_sync_at": kind == "pending" and moment("2026-11-16 16:00:00"),
                }
            )
        # As long before their end as in real life.
        self.env.flush_all()
        return contract, by_kind

    def _sweep(self, at):
        """Run the scheduled action at a moment, naive UTC."""
        with freeze_time(at), self.enter_registry_test_mode():
            self.cron.method_direct_trigger()

    def _check_alive(self, lines):
        for kind, line in lines.items():
            alive = "inactive" if kind == "inactive" else "active"
            self.assertEqual(line.state, alive, kind)
            self.assertTrue(line.did_ids, kind)

    def _check_ended(self, lines, at):
        for kind, line in lines.items():
            self.assertEqual(line.state, "cancelled", kind)
            self.assertEqual(line.cancelled_at, at, kind)
            # The push follows, at once, whatever kept the line from it before.
            self.assertEqual(line.sync_state, "pending", kind)
            self.assertGreater(line.revision, line.pushed_revision, kind)
            self.assertLessEqual(line.next_sync_at, at, kind)
            self.assertFalse(line.sync_error, kind)
            wanted = line._get_wanted_line()
            self.assertEqual(wanted.status, LineStatus.INACTIVE, kind)
            self.assertTrue(wanted.final, kind)
            self.assertFalse(wanted.dids, kind)
            self.assertEqual(line._get_last_period().date_to, at, kind)
            self._check_number_rests(kind, line)
            self.assertIn("Cancelled: ", str(line.message_ids.mapped("body")), kind)
            self.assertFalse(line.end_mended_at, kind)

    def _check_number_rests(self, kind, line):
        did = line._get_last_dids()
        in_stock = self.env["saperx.number"].search([("number", "=", did.number)])
        self.assertEqual(len(did), 1)
        if kind == "ported":
            self.assertFalse(in_stock)
        else:
            self.assertEqual(in_stock.state, "quarantine", kind)
            self.assertFalse(in_stock.did_id, kind)

    def _get_worlds(self):
        """The platform up and down × both values of the old parameter, which is for
        blocks and makes no difference here."""
        values = (None,)
        if "saperx_block_lines_with_contract" in self.company._fields:
            values = (False, True)
        return product((True, False), values)

    def _set_world(self, is_platform_up, blocks_with_contract):
        if is_platform_up:
            self.integration._record_success()
        else:
            self.integration._record_error(Unreachable("no answer"))
        if blocks_with_contract is not None:
            self.company.saperx_block_lines_with_contract = blocks_with_contract

    def test_every_way_to_end_on_a_day_that_has_come(self):
        rows = [
            *product(self.DATED, ("past", "today")),
            *product(self.AT_ONCE, ("today",)),
        ]
        for world in self._get_worlds():
            self._set_world(*world)
            for way, when in rows:
                with self.subTest(world=world, way=way, when=when):
                    contract, lines = self._make_customer(way)
                    end = getattr(self, f"_end_by_{way}")
                    end(contract, DAYS[when]) if way in self.DATED else end(contract)
                    self._check_ended(lines, fields.Datetime.now())
                    # Of the end itself.
                    is_termination = way in self.DATED[:4]
                    for line in lines.values():
                        self.assertEqual(line.ended_with_termination, is_termination)

    def test_every_way_to_end_on_a_day_to_come(self):
        for world in self._get_worlds():
            self._set_world(*world)
            ahead = {}
            for way in self.DATED:
                contract, lines = self._make_customer(way)
                getattr(self, f"_end_by_{way}")(contract, DAYS["future"])
                ahead[way] = lines
                with self.subTest(world=world, way=way, when="before"):
                    self._check_alive(lines)
                    triggers = self.env["ir.cron.trigger"].search(
                        [("cron_id", "=", self.cron.id)]
                    )
                    self.assertIn(ITS_MOMENT, triggers.mapped("call_at"))
            self._sweep(ITS_MOMENT - timedelta(seconds=1))
            for way, lines in ahead.items():
                with self.subTest(world=world, way=way, when="a second before"):
                    self._check_alive(lines)
            self._sweep(ITS_MOMENT)
            for way, lines in ahead.items():
                with self.subTest(world=world, way=way, when="then"):
                    self._check_ended(lines, ITS_MOMENT)
