# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import hashlib
from datetime import datetime
from decimal import Decimal

from freezegun import freeze_time

from odoo import SUPERUSER_ID, Command, fields
from odoo.tests import new_test_user, tagged

from odoo.addons.account.tests.common import AccountTestInvoicingCommon

from ..gateway import Call, CallPage, Direction, Outcome

# A day in the middle of a month, so that "the month before" is over for long.
TODAY = "2026-11-16 15:00:00"
NUMBER = "555433334444"
MOBILE_SAME_DDD = "5554999998888"
FIXED_OTHER_DDD = "551133334444"


def moment(text):
    return fields.Datetime.to_datetime(text)


@tagged("post_install", "-at_install")
class SaperxCase(AccountTestInvoicingCommon):
    """A company with an integration, a billing plan, and a contract with a line.

    The integration is not active: nothing here speaks to a platform. What does is
    tested against a real server in the project's own ``tests/``.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clock = freeze_time(TODAY)
        clock.start()
        cls.addClassCleanup(clock.stop)
        cls.company = cls.env.company
        # As the system itself: what each role may do is for ``test_access``.
        cls.env = cls.env(
            user=SUPERUSER_ID,
            context=dict(
                cls.env.context,
                tracking_disable=True,
                allowed_company_ids=cls.company.ids,
            ),
        )
        cls.integration = cls._make_integration()
        cls.plan, cls.international_plan = cls.env["saperx.plan"].create(
            [
                {
                    "name": scope,
                    "scope": scope,
                    "remote_id": number,
                    "integration_id": cls.integration.id,
                }
                for number, scope in enumerate(("national", "international"), 1)
            ]
        )
        cls.tariff = cls.env["saperx.tariff"].create(
            {
                "name": "Excess",
                "rate_ids": [
                    Command.create({"price_per_minute": 0.12}),
                    Command.create({"call_class": "vc1", "price_per_minute": 0.5}),
                ],
            }
        )
        cls.partner = cls.env["res.partner"].create(
            {"name": "Maria", "vat": "12345678909"}
        )
        cls.contract = cls._make_contract(cls.partner)
        cls.line = cls._make_line(cls.contract)

    @classmethod
    def _make_integration(cls, **values):
        return cls.env["saperx.integration"].create(
            {
                "name": "SaperX",
                "active": False,
                "environment": "homologation",
                "base_url": "http://127.0.0.1:9/api/v2",
                "username": "sandbox",
                "password": "very-secret-password",
                "api_key": "very-secret-key",
                "api_secret": "very-secret-secret",
                "imported_until": moment("2026-11-10 00:00:00"),
                **values,
            }
        )

    @classmethod
    def _make_user(cls, role, company=None):
        """:param role: ``user``, ``technician``, ``billing`` or ``manager``"""
        company = company or cls.company
        return new_test_user(
            cls.env,
            f"saperx-{role}-{company.id}",
            groups=f"saperx_voip.group_{role}",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    @classmethod
    def _make_contract(cls, partner, **values):
        """A contract whose monthly fee of 100 falls due on 2026-12-01."""
        return cls.env["contract.contract"].create(
            {
                "name": f"Internet {partner.name}",
                "partner_id": partner.id,
                "contract_type": "sale",
                "journal_id": cls.company_data["default_journal_sale"].id,
                "contract_line_ids": [
                    Command.create(
                        {
                            "name": "Internet #START# #END#",
                            "product_id": cls.product_a.id,
                            "quantity": 1,
                            "price_unit": 100,
                            "specific_price": 100,
                            "date_start": "2026-10-01",
                            "recurring_next_date": "2026-12-01",
                            "recurring_rule_type": "monthly",
                            "recurring_invoicing_type": "pre-paid",
                        }
                    )
                ],
                **values,
            }
        )

    @classmethod
    def _make_line(cls, contract, number=NUMBER, **values):
        return cls.env["saperx.line"].create(
            {
                "contract_id": contract.id,
                "integration_id": cls.integration.id,
                "plan_id": cls.plan.id,
                "tariff_id": cls.tariff.id,
                "closing_day": 31,
                "credit_limit": 300,
                "did_ids": [Command.create({"number": number})] if number else [],
                **values,
            }
        )

    @classmethod
    def _make_call(cls, remote_id, start="2026-10-15 12:00:00", **values):
        """A decoded call from the line's number, 60 s to a fixed line elsewhere."""
        fact = {
            "remote_id": str(remote_id),
            "line_remote_id": None,
            "account_code": "000000",
            "direction": Direction.OUTGOING,
            "is_collect": False,
            "caller": NUMBER,
            "callee": FIXED_OTHER_DDD,
            "start": datetime.fromisoformat(start),
            "total_seconds": 70,
            "talk_seconds": 60,
            "platform_charged_seconds": 60,
            "platform_class": None,
            "outcome": Outcome.ANSWERED,
            "platform_amount": Decimal("0.10"),
            "platform_cost": Decimal("0.04"),
            "city": "Porto Alegre",
            **values,
        }
        digest = hashlib.blake2b(repr(sorted(fact.items())).encode(), digest_size=16)
        return Call(**fact, fingerprint=digest.digest())

    @classmethod
    def _make_run(cls, **values):
        return cls.env["saperx.cdr.import"].create(
            {
                "integration_id": cls.integration.id,
                "date_from": "2026-10-01 03:00:00",
                "date_to": "2026-11-01 03:00:00",
                **values,
            }
        )

    @classmethod
    def _import(cls, *calls, rejects=()):
        """Store one page of calls as an import does. :return: the run"""
        run = cls._make_run()
        run._store_page(CallPage(tuple(calls), tuple(rejects), None))
        return run

    def _get_call(self, remote_id):
        return self.env["saperx.cdr"].search([("remote_id", "=", str(remote_id))])

    def _charge(self, domain=()):
        return self.env["saperx.charge"]._generate(domain)
