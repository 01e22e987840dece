# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import contextmanager
from decimal import Decimal
from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..gateway import Did, Line, LineSettings, LineStatus, Reject, Unreachable
from .common import NUMBER, SaperxCase

SETTINGS = {
    "customer_name": "Maria",
    "customer_document": "12345678909",
    "plan_remote_id": 1,
    "international_plan_remote_id": None,
    "group_remote_id": None,
    "closing_day": 31,
    "billing_type": "postpaid",
    "route": "stfc",
    "portability": "no",
    "caller_id": True,
    "allow_lc": True,
    "allow_ldn": True,
    "allow_ldi": False,
    "allow_vc1": True,
    "allow_vc2": True,
    "allow_vc3": True,
    "simultaneous_calls": 1,
    "credit_limit": Decimal("300.00"),
}


def make_circuit(remote_id, reference=None, numbers=(), status="active", **settings):
    """A line as the gateway reads it."""
    reference = f"theirs-{remote_id}" if reference is None else reference
    code = f"{remote_id:06d}"
    values = SETTINGS | {"reference": reference, "account_code": code} | settings
    dids = tuple(
        Did(number, True, remote_id, None, None, False, Decimal(0), False)
        for number in numbers
    )
    return Line(
        remote_id,
        reference,
        code,
        LineStatus(status),
        LineSettings(**values),
        dids=dids,
    )


class Listing:
    """A client whose platform lists just this, one reading after the other."""

    def __init__(self, *readings):
        self.readings = list(readings)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        pass

    def iter_lines(self, patience=None):
        records = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        for record in records:
            if isinstance(record, Exception):
                raise record
            yield record


@tagged("post_install", "-at_install")
class CircuitCase(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Without logging in anywhere.
        cls.env.cr.execute(
            "UPDATE saperx_integration SET active = TRUE WHERE id = %s",
            [cls.integration.id],
        )
        cls.integration.invalidate_recordset(["active"])

    @contextmanager
    def _listing(self, *readings):
        client = Listing(*readings)
        with patch.object(
            self.env.registry["saperx.integration"], "_get_client", lambda _s: client
        ):
            yield client

    def _read(self, *readings):
        """Read what the platform lists. :return: the reading"""
        reading = self.env["saperx.circuit.reading"]._begin(self.integration)
        self.env.flush_all()
        with (
            self._listing(*readings),
            self.enter_registry_test_mode(),
            self.registry.cursor() as cr,
        ):
            reading.with_env(reading.env(cr=cr))._run()
        self.env.invalidate_all()
        return reading

    def _get_circuit(self, remote_id):
        return self.env["saperx.circuit"].search([("remote_id", "=", remote_id)])


class TestCircuit(CircuitCase):
    def test_a_listing_is_stored_once_however_often_it_is_read(self):
        listing = [make_circuit(7, numbers=["551130000001", NUMBER]), make_circuit(8)]
        first = self._read(listing)
        self.assertEqual(
            (first.state, first.read_count, first.new_count), ("done", 2, 2)
        )
        circuit = self._get_circuit(7)
        self.assertEqual(circuit.company_id, self.company)
        self.assertEqual(circuit.customer_document, "12345678909")
        self.assertEqual(circuit.credit_limit, 300)
        self.assertEqual(circuit.numbers, f"551130000001, {NUMBER}")
        self.assertEqual(
            circuit.dids[1],
            {"number": NUMBER, "monthly_fee": "0", "accept_collect_calls": False},
        )
        again = self._read(listing)
        self.assertEqual((again.new_count, again.changed_count), (0, 0))
        changed = self._read([listing[0], make_circuit(8, closing_day=5)])
        self.assertEqual((changed.new_count, changed.changed_count), (0, 1))
        self.assertEqual(self._get_circuit(8).closing_day, 5)

    def test_what_is_not_listed_any_more_is_gone_until_it_is_back(self):
        self._read([make_circuit(7), make_circuit(8)])
        reading = self._read([make_circuit(8)])
        self.assertEqual(reading.gone_count, 1)
        self.assertTrue(self._get_circuit(7).gone)
        self.assertFalse(self._get_circuit(8).gone)
        self.assertEqual(self._read([make_circuit(8)]).gone_count, 0)
        self._read([make_circuit(7), make_circuit(8)])
        self.assertFalse(self._get_circuit(7).gone)

    def test_what_moved_between_the_pages_is_not_gone(self):
        both = [make_circuit(7), make_circuit(8)]
        self._read(both)
        reading = self._read(both[:1], both)
        self.assertFalse(reading.gone_count)
        self.assertFalse(self._get_circuit(8).gone)

    def test_a_line_that_moved_between_the_pages_of_the_first_reading_is_there(self):
        self.line._write_sync({"remote_id": 8})
        both = [make_circuit(7), make_circuit(8, self.line.reference)]
        self.assertEqual(self._read(both[:1], both).read_count, 2)

    def test_what_cannot_be_read_is_named_and_makes_nothing_gone(self):
        self._read([make_circuit(7), make_circuit(8)])
        reading = self._read([make_circuit(8), Reject("{}", "status: odd", "7")])
        self.assertEqual((reading.state, reading.rejected_count), ("done", 1))
        self.assertEqual(reading.rejects, "7: status: odd")
        self.assertFalse(self._get_circuit(7).gone)

    def test_a_platform_that_breaks_off_changes_nothing(self):
        self._read([make_circuit(7), make_circuit(8)])
        reading = self._read([make_circuit(8, closing_day=5), Unreachable("cut")])
        self.assertEqual(reading.state, "failed")
        self.assertTrue(reading.error)
        self.assertFalse(self._get_circuit(7).gone)
        self.assertEqual(self._get_circuit(8).closing_day, 31)

    @mute_logger("odoo.addons.saperx_voip.models.saperx_circuit_reading")
    def test_what_is_unexpected_is_told_and_the_next_reading_goes_on(self):
        reading = self._read([ZeroDivisionError("odd")])
        self.assertEqual(reading.state, "failed")
        self.assertIn("odd", reading.error)
        self.assertEqual(self._read([make_circuit(7)]).state, "done")

    def test_a_reading_that_died_is_done_again(self):
        reading = self.env["saperx.circuit.reading"]._begin(self.integration)
        reading.write({"state": "running"})
        self.assertEqual(self._read([make_circuit(7)]), reading)
        self.assertEqual(reading.state, "done")

    def test_circuits_are_lines_by_reference_then_by_id(self):
        self.line._write_sync({"remote_id": 7})
        self._read([make_circuit(7), make_circuit(8)])
        self.assertEqual(self._get_circuit(7).line_id, self.line)
        self.assertFalse(self._get_circuit(8).line_id)
        self._read([make_circuit(7), make_circuit(8, self.line.reference)])
        self.assertFalse(self._get_circuit(7).line_id)
        self.assertEqual(self._get_circuit(8).line_id, self.line)

    def test_circuits_of_another_integration_stay_its_own(self):
        other = self._make_integration(name="Other")
        circuits = self.env["saperx.circuit"]
        circuits._merge(other, [make_circuit(7, self.line.reference)])
        self._read([make_circuit(8)])
        self.assertFalse(circuits.search([("integration_id", "=", other.id)]).line_id)
        self.assertFalse(circuits.search([("integration_id", "=", other.id)]).gone)
