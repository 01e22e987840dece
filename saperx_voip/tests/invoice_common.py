# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from .common import SaperxCase

DUE = date(2026, 12, 1)
WAYS = ("cron", "button", "wizard")


class InvoiceCase(SaperxCase):
    """Charges of the contract, and each way in which OCA invoices it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fee = cls._get_fees(cls.contract)
        # So that the fee's price stands as it is.
        cls.product_a.taxes_id = False

    @classmethod
    def _get_fees(cls, contract):
        return contract.contract_line_ids.filtered(lambda line: not line.is_telephony)

    def _charge_calls(self, *numbers, **values):
        self._import(*(self._make_call(number, **values) for number in numbers))
        return self._charge()

    def _invoice(self, way="cron", day=DUE, contract=None):
        """:return: the invoices made"""
        contract = contract or self.contract
        before = self._get_invoices(contract)
        if way == "cron":
            self.env["contract.contract"].cron_recurring_create_invoice(day)
        elif way == "button":
            contract.recurring_create_invoice()
        else:
            wizard = self.env["contract.manually.create.invoice"]
            wizard.create({"invoice_date": day}).create_invoice()
        return self._get_invoices(contract) - before

    def _invoice_alone(self):
        """What the scheduled action for telephony alone makes of the contract."""
        before = self._get_invoices()
        with self.enter_registry_test_mode():
            cron = self.env.ref("saperx_voip.ir_cron_invoice_telephony")
            cron.method_direct_trigger()
        return self._get_invoices() - before

    def _get_invoices(self, contract=None):
        return (contract or self.contract)._get_related_invoices()

    def _get_telephony(self, move):
        return move.invoice_line_ids.filtered("saperx_charge_id")
