# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .common import NUMBER, SaperxCase, moment

RUN = "odoo.addons.saperx_voip.models.saperx_adoption_run"
CPF = "52998224725"
THERE = "555432320001"


@tagged("post_install", "-at_install")
class TestAdoption(SaperxCase):
    """Circuits that the platform had before Odoo knew of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.integration.charge_calls_from = moment("2026-10-10 03:00:00")
        cls.env["saperx.group"].create(
            {
                "name": "Residential",
                "remote_id": 5,
                "integration_id": cls.integration.id,
            }
        )
        cls.customer = cls.env["res.partner"].create(
            {"name": "João da Silva", "vat": CPF}
        )
        cls.adopted_contract = cls._make_contract(cls.customer)
        cls.circuit = cls._make_circuit(101)
        cls.adoption = cls.env["saperx.adoption"]._get_for(cls.integration)
        cls.adoption.tariff_id = cls.tariff

    @classmethod
    def _make_circuit(cls, remote_id, numbers=(THERE,), **values):
        return cls.env["saperx.circuit"].create(
            {
                "integration_id": cls.integration.id,
                "remote_id": remote_id,
                "reference": f"old-{remote_id}",
                "customer_name": "SILVA JOAO",
                "customer_document": CPF,
                "account_code": f"{remote_id:06d}",
                "status": "active",
                "plan_remote_id": cls.plan.remote_id,
                "group_remote_id": 5,
                "closing_day": 20,
                "billing_type": "postpaid",
                "route": "scm",
                "portability": "no",
                "caller_id": False,
                "allow_lc": True,
                "allow_ldn": False,
                "allow_ldi": True,
                "allow_vc1": False,
                "allow_vc2": False,
                "allow_vc3": False,
                "simultaneous_calls": 3,
                "credit_limit": 250,
                "dids": [
                    {
                        "number": number,
                        "monthly_fee": "9.90",
                        "accept_collect_calls": True,
                    }
                    for number in numbers
                ],
                "numbers": ", ".join(numbers) or False,
                **values,
            }
        )

    def _row(self, circuit=None):
        circuit = circuit or self.circuit
        return self.adoption.row_ids.filtered(lambda row: row.circuit_id == circuit)

    def _adopt(self, *circuits):
        self.adoption.action_propose()
        rows = self.env["saperx.adoption.row"].union(
            *(self._row(circuit) for circuit in circuits or [self.circuit])
        )
        for row in rows:
            row.contract_id = row.contract_id or self.adopted_contract
        rows.action_choose()
        self.adoption.action_adopt()
        return rows

    def test_a_contract_is_proposed_with_its_reasons(self):
        self.adoption.action_propose()
        row = self._row()
        self.assertEqual(row.contract_id, self.adopted_contract)
        self.assertEqual(row.certainty, "certain")
        self.assertEqual(row.reasons, "same CPF/CNPJ, same name")
        self.assertFalse(row.is_chosen, "nobody chose it yet")
        self.assertEqual(self.adoption.certain_count, 1)

    def test_several_contracts_of_one_customer_are_not_chosen_among(self):
        other = self._make_contract(self.customer)
        self.adoption.action_propose()
        self.adoption.action_choose_certain()
        row = self._row()
        self.assertFalse(row.contract_id or row.is_chosen)
        self.assertTrue(row.is_ambiguous)
        self.assertEqual(row.proposal_ids.contract_id, self.adopted_contract | other)
        with self.assertRaisesRegex(ValidationError, "which contract"):
            row.is_chosen = True
        row.proposal_ids[1].action_take()
        self.assertEqual((row.contract_id, row.is_chosen), (other, True))

    def test_what_a_person_said_stays(self):
        self.adoption.action_propose()
        row = self._row()
        row.contract_id = self.contract
        self.adoption.action_propose()
        self.assertEqual(row.contract_id, self.contract)
        self.assertEqual(row.proposal_ids.contract_id, self.adopted_contract)

    def test_the_line_is_as_the_circuit_and_in_step(self):
        row = self._adopt()
        line = row.line_id
        self.assertEqual(row.state, "adopted")
        self.assertEqual(self.circuit.line_id, line)
        self.assertEqual(line.contract_id, self.adopted_contract)
        self.assertEqual(
            (line.remote_id, line.reference, line.account_code, line.state),
            (101, "old-101", "000101", "active"),
        )
        self.assertEqual((line.sync_state, line.pushed_status), ("synced", "active"))
        self.assertEqual(line.revision, line.pushed_revision)
        self.assertEqual((line.tariff_id, line.plan_id), (self.tariff, self.plan))
        self.assertFalse(
            self.env["saperx.line"].search(
                [*line._domain_due(self.integration), ("id", "=", line.id)]
            )
        )
        wanted = line._get_wanted_line()
        self.assertEqual(wanted.settings.closing_day, 20)
        self.assertEqual(wanted.settings.group_remote_id, 5)
        self.assertEqual(wanted.settings.simultaneous_calls, 3)
        self.assertEqual(wanted.settings.route, "scm")
        self.assertFalse(wanted.settings.caller_id or wanted.settings.allow_ldn)
        self.assertIsNone(wanted.settings.password)
        self.assertIsNone(wanted.password)
        [did] = wanted.dids
        self.assertEqual((did.number, str(did.monthly_fee)), (THERE, "9.90"))
        self.assertTrue(did.accept_collect_calls)
        # A new password is told, and nothing else is asked of anybody.
        line.password = "a-new-password"
        self.assertEqual(line.sync_state, "pending")
        self.assertEqual(line._get_wanted_line().settings.password, "a-new-password")

    def test_what_is_demanded_of_new_lines_is_not_of_those_that_run(self):
        self.company.saperx_password_required = True
        self.integration.credit_limit_required = True
        self.circuit.credit_limit = 0
        line = self._adopt().line_id
        self.assertEqual((line.sync_state, line.credit_limit), ("synced", 0))
        line.is_active = False
        line.is_active = True
        self.assertIsNone(line._get_wanted_line().settings.password)

    def test_what_the_platform_leaves_out_is_as_for_new_lines(self):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE saperx_circuit SET caller_id = NULL, allow_ldn = NULL,"
            " allow_vc1 = NULL"
        )
        self.env.invalidate_all()
        line = self._adopt().line_id
        self.assertTrue(line.caller_id and line.allow_ldn and line.allow_vc1)
        self.assertFalse(line.allow_vc2)

    def test_a_number_is_the_one_that_is_there(self):
        circuit = self._make_circuit(108, ("12125550123",))
        row = self._adopt(circuit)
        self.assertEqual(row.line_id.did_ids.number, "12125550123", row.error)

    def test_what_is_gone_there_is_not_adopted(self):
        self.adoption.action_propose()
        self.circuit.gone = True
        row = self._row()
        row.is_chosen = True
        self.adoption.action_adopt()
        self.assertEqual(row.state, "failed")
        self.assertIn("does not list", row.error)

    def test_what_was_unknown_is_no_difference_any_more(self):
        unknown = self.env["saperx.line.difference"].create(
            {
                "integration_id": self.integration.id,
                "key": f"circuit {self.circuit.id}",
                "kind": "unknown",
                "circuit_id": self.circuit.id,
            }
        )
        self._adopt()
        self.assertEqual(unknown.state, "mended")
        self.assertFalse(self.integration.difference_count)

    def test_a_status_there_is_a_state_or_a_block_here(self):
        blocked = self._make_circuit(102, (), status="partially_blocked")
        inactive = self._make_circuit(103, (), status="inactive")
        rows = self._adopt(blocked, inactive)
        first, second = rows.line_id
        self.assertEqual((first.state, first.block_level), ("active", "partial"))
        self.assertEqual((second.state, second.block_level), ("inactive", False))
        for line, circuit in ((first, blocked), (second, inactive)):
            self.assertEqual(line._get_wanted_status(), circuit.status)
            self.assertEqual(line.sync_state, "synced")

    def test_a_ported_number_is_live(self):
        circuit = self._make_circuit(104, ("5554991110000",), portability="in")
        line = self._adopt(circuit).line_id
        self.assertTrue(line.did_ids.is_ported and line.did_ids.is_live)
        self.assertEqual(line.sync_state, "synced")

    def test_a_circuit_in_trouble_is_named_and_holds_up_no_other(self):
        bad = self._make_circuit(105, (), plan_remote_id=999)
        taken = self._make_circuit(106, (NUMBER,))
        good = self._make_circuit(107, ("555432320007",))
        self._adopt(bad, taken, good)
        self.assertEqual(self._row(good).state, "adopted")
        self.assertEqual(self._row(bad).state, "failed")
        self.assertIn("synchronize plans", self._row(bad).error)
        self.assertIn("already", self._row(taken).error)
        self.assertEqual(self.adoption.failed_count, 2)
        # Once mended it is adopted as any other.
        self.env["saperx.plan"].create(
            {
                "name": "Old",
                "scope": "national",
                "remote_id": 999,
                "integration_id": self.integration.id,
            }
        )
        self.adoption.action_adopt()
        self.assertEqual(self._row(bad).state, "adopted")
        self.assertFalse(self._row(bad).error)

    def test_adopting_again_makes_no_second_line(self):
        row = self._adopt()
        line = row.line_id
        # As if whoever did it had died before the row was told.
        row.state = "waiting"
        row.line_id = False
        self.circuit.line_id = False
        self.adoption._adopt_rows(row)
        self.assertEqual(row.line_id, line)
        with self.assertRaisesRegex(UserError, "decided already"):
            row.contract_id = self.contract
        with self.assertRaisesRegex(UserError, "Choose circuits first"):
            self.adoption.action_adopt()

    def test_calls_without_a_line_find_it_and_older_ones_were_charged_elsewhere(self):
        self._import(
            *(
                self._make_call(
                    n, f"2026-10-{n} 12:00:00", line_remote_id=101, caller=THERE
                )
                for n in ("09", "11")
            )
        )
        self.assertEqual(self._get_call("11").state, "unmatched")
        line = self._adopt().line_id
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_rematch").method_direct_trigger()
        self.env.invalidate_all()
        old, new = self._get_call("09"), self._get_call("11")
        self.assertEqual((old.line_id, old.reason), (line, "previous_system"))
        self.assertEqual((new.line_id, new.state), (line, "unbilled"))
        charge = self._charge()
        self.assertEqual((charge.line_id, charge.amount), (line, 0.12))

    def test_the_beginning_of_one_adoption_holds_for_its_lines_alone(self):
        self.adoption.charge_calls_from = moment("2026-11-01 03:00:00")
        line = self._adopt().line_id
        self.assertEqual(line.charge_calls_from, moment("2026-11-01 03:00:00"))
        self.assertFalse(self.line.charge_calls_from)

    def test_many_are_adopted_in_the_background(self):
        circuits = [
            self._make_circuit(200 + n, (f"5554323201{n:02d}",)) for n in range(3)
        ]
        with (
            patch("odoo.addons.saperx_voip.models.saperx_adoption.MOST_AT_ONCE", 1),
            patch(f"{RUN}.BATCH", 2),
        ):
            rows = self._adopt(*circuits)
            self.assertEqual(set(rows.mapped("state")), {"waiting"})
            self.assertEqual(self.adoption.progress, 0)
            cron = self.env.ref("saperx_voip.ir_cron_adopt")
            # What its time does not allow is left to another call, which is asked for.
            with (
                patch(f"{RUN}.get_working_seconds", return_value=0),
                self.enter_registry_test_mode(),
            ):
                cron.method_direct_trigger()
            self.env.invalidate_all()
            self.assertEqual(rows.mapped("state"), ["adopted", "adopted", "waiting"])
            self.assertTrue(
                self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
            )
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(set(rows.mapped("state")), {"adopted"})
        self.assertEqual(self.adoption.progress, 100)
        self.assertEqual(len(rows.line_id), 3)

    def test_only_managers_adopt(self):
        self.adoption.action_propose()
        for role in ("technician", "billing"):
            user = self._make_user(role)
            adoption = self.adoption.with_user(user)
            self.assertEqual(adoption.certain_count, 1)
            self.assertTrue(adoption.row_ids.reasons)
            for act in (
                adoption.action_propose,
                adoption.action_choose_certain,
                adoption.action_adopt,
                adoption.row_ids.action_choose,
                lambda one=adoption: one.row_ids.write({"is_chosen": True}),
                self.integration.with_user(user).action_adopt_circuits,
            ):
                with self.assertRaises(AccessError):
                    act()
        with self.assertRaises(AccessError):
            self.adoption.with_user(self._make_user("user")).read(["open_count"])
        manager = self._make_user("manager")
        adoption = self.adoption.with_user(manager)
        adoption.action_choose_certain()
        adoption.action_adopt()
        self.assertEqual(adoption.row_ids.line_id.create_uid, manager)

    def test_another_company_sees_nothing_of_it(self):
        self.adoption.action_propose()
        company = self.env["res.company"].create({"name": "Elsewhere"})
        user = self._make_user("manager", company)
        for model in ("", ".row", ".proposal"):
            records = self.env[f"saperx.adoption{model}"].with_user(user)
            records = records.with_context(allowed_company_ids=company.ids)
            self.assertFalse(records.search([]))

    def test_a_circuit_that_went_or_has_its_line_is_no_longer_asked_about(self):
        gone = self._make_circuit(301, ())
        known = self._make_circuit(302, ())
        self.adoption.action_propose()
        self.assertEqual(self.adoption.open_count, 3)
        gone.gone = True
        known.line_id = self.line
        self.adoption.action_propose()
        self.assertEqual(self.adoption.row_ids.circuit_id, self.circuit)

    def test_the_recurring_fee_is_one_of_the_contract(self):
        self.adoption.action_propose()
        row = self._row()
        row.contract_line_id = self.adopted_contract.contract_line_ids[0]
        row.is_chosen = True
        with self.assertRaises(ValidationError):
            row.contract_line_id = self.contract.contract_line_ids[0]
        self.adoption.action_adopt()
        self.assertEqual(
            row.line_id.contract_line_id, self.adopted_contract.contract_line_ids[0]
        )

    def test_two_platforms_may_use_the_same_key(self):
        other = self._make_integration(name="Second")
        plan = self.plan.copy({"integration_id": other.id})
        self._adopt()
        twin = self.circuit.copy(
            {
                "integration_id": other.id,
                "remote_id": 101,
                "plan_remote_id": plan.remote_id,
                "group_remote_id": 0,
                "dids": [],
                "line_id": False,
            }
        )
        adoption = self.env["saperx.adoption"]._get_for(other)
        adoption._propose()
        adoption.row_ids.write({"contract_id": self.adopted_contract.id})
        adoption.row_ids.action_choose()
        adoption.action_adopt()
        self.assertEqual(twin.line_id.reference, self.circuit.line_id.reference)
        self.assertNotEqual(twin.line_id, self.circuit.line_id)

    def test_stock_numbers_know_their_line(self):
        self.env["saperx.number.range"].create(
            {
                "name": "Own",
                "country_code": "55",
                "area_code": "54",
                "first": "32320000",
                "last": "32320009",
                "company_id": self.company.id,
            }
        )
        line = self._adopt().line_id
        number = self.env["saperx.number"].search([("number", "=", THERE)])
        self.assertEqual((number.state, number.line_id), ("in_use", line))
