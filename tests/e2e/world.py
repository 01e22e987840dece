"""What the end-to-end tests make and ask, through the web client's own calls."""

import threading
import time
from contextlib import suppress
from datetime import date, timedelta

from demo.client import OdooClient, OdooError
from demo.month import closed_month
from environment import postgres

WAIT_SECONDS = 150
WAKE_SECONDS = 1.0


class World:
    """One integration of a running Odoo with one sandbox platform.

    :param database: its name, for what no user can do
    """

    def __init__(
        self,
        odoo: OdooClient,
        sandbox,
        *,
        name: str,
        database: str,
        today: date,
    ):
        self.odoo = odoo
        self.sandbox = sandbox
        self.name = name
        self.database = database
        self.first, self.last = closed_month(today)
        self.today = today
        self.integration = odoo.create("saperx.integration", self.credentials())
        odoo.call("saperx.integration", "action_sync_plans", [self.integration])
        self._let_nobody_watch()
        self.plan = odoo.search_read(
            "saperx.plan",
            [("integration_id", "=", self.integration), ("scope", "=", "national")],
            ["id"],
            limit=1,
        )[0]["id"]
        self.tariff = odoo.create(
            "saperx.tariff",
            {"name": name, "rate_ids": [(0, 0, {"price_per_minute": 0.12})]},
        )
        self._free = iter(
            did["numero"]
            for did in sandbox.ledger()["dids"]
            if did["status"] == "disponivel"
        )

    def sql(self, statement: str):
        """Run a statement in the database: the clock, for one."""
        return postgres.query(statement, self.database)

    def wake_workers(self):
        """Have them look at once for scheduled actions that are due, as Odoo's triggers
        do, through a database of PostgreSQL's own."""
        postgres.query(f"SELECT pg_notify('cron_trigger', '{self.database}')")

    def _let_nobody_watch(self):
        """What a sentinel reads of calls would take the trouble meant for an import."""
        sentinels = self.odoo.search_read(
            "saperx.sentinel", [("integration_id", "=", self.integration)], ["id"]
        )
        self.odoo.write(
            "saperx.sentinel", [one["id"] for one in sentinels], {"active": False}
        )

    def credentials(self, **changes):
        return {
            "name": self.name,
            "environment": "homologation",
            "base_url": self.sandbox.url,
            "username": "sandbox",
            "password": "sandbox-senha",
            "api_key": "sandbox-key",
            "api_secret": "sandbox-secret",
            **changes,
        }

    def contract(self, customer="Maria", *, due=None, rule="monthly"):
        """A contract with a fee of 100, due today unless told otherwise."""
        product = self.odoo.create(
            "product.product",
            {"name": "Internet", "type": "service", "taxes_id": [(6, 0, [])]},
        )
        (journal,) = self.odoo.search_read(
            "account.journal", [("type", "=", "sale")], ["id"], limit=1
        )
        partner = self.odoo.create("res.partner", {"name": customer, "lang": "pt_BR"})
        fee = {
            "name": "Internet",
            "product_id": product,
            "quantity": 1,
            "price_unit": 100,
            "specific_price": 100,
            "recurring_invoicing_type": "pre-paid",
            "recurring_rule_type": rule,
            "date_start": self.today.isoformat(),
            "recurring_next_date": (due or self.today).isoformat(),
        }
        return self.odoo.create(
            "contract.contract",
            {
                "name": f"{self.name} {customer}",
                "partner_id": partner,
                "contract_type": "sale",
                "journal_id": journal["id"],
                "contract_line_ids": [(0, 0, fee)],
            },
        )

    def line(self, contract, **values):
        return self.odoo.create(
            "saperx.line",
            {
                "contract_id": contract,
                "integration_id": self.integration,
                "plan_id": self.plan,
                "tariff_id": self.tariff,
                "credit_limit": 300,
                "did_ids": [(0, 0, {"number": self.number()})],
                **values,
            },
        )

    def many_lines(self, count):
        """Made at once, ten a contract, each with a number that is ported in."""
        contracts = [self.contract(f"Many {n}") for n in range(-(-count // 10))]
        return self.odoo.call(
            "saperx.line",
            "create",
            [
                {
                    "contract_id": contracts[n // 10],
                    "integration_id": self.integration,
                    "plan_id": self.plan,
                    "credit_limit": 300,
                    "tariff_id": self.tariff,
                    "did_ids": [(0, 0, {"number": f"55113{n:07d}"})],
                }
                for n in range(count)
            ],
        )

    def number(self):
        """One that the platform holds and nobody has."""
        return next(self._free)

    def read_line(self, line, *fields):
        return self.odoo.read("saperx.line", line, *fields)

    def wait(self, what, condition, seconds=WAIT_SECONDS):
        """Until ``condition()`` is true. :return: its value"""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain until {what}")
            time.sleep(0.1)
        return value

    def wait_for_workers(self, what, condition, seconds=WAIT_SECONDS):
        """As ``wait``, for what a scheduled action does at a moment that has come, or
        after a restart: workers look for that once a minute, unless they are woken."""
        woken_at = time.monotonic()

        def woken():
            nonlocal woken_at
            if time.monotonic() - woken_at >= WAKE_SECONDS:
                self.wake_workers()
                woken_at = time.monotonic()
            return condition()

        return self.wait(what, woken, seconds)

    def wait_synced(self, *lines):
        self.wait(
            "the lines are in step",
            lambda: all(
                self.read_line(line, "sync_state")["sync_state"] == "synced"
                for line in lines
            ),
        )

    def count_lines(self, condition):
        """Of this integration. :param condition: in SQL"""
        (count,) = self.sql(
            "SELECT count(*) FROM saperx_line"
            f" WHERE integration_id = {self.integration} AND {condition}"
        )
        return int(count)

    def wait_all_synced(self):
        """As ``wait_synced``, of all lines."""
        self.wait(
            "all lines are in step",
            lambda: not self.count_lines("sync_state <> 'synced'"),
        )

    def let_pauses_end(self):
        """What time would do: no line waits for its next attempt any longer."""
        self.sql(
            "UPDATE saperx_line SET next_sync_at = now() AT TIME ZONE 'UTC'"
            " WHERE next_sync_at IS NOT NULL"
        )
        self.trigger_push()

    def let_leases_end(self):
        """What time would do: nobody holds a line any more."""
        self.sql(
            "UPDATE saperx_line SET lease_until = now() - interval '1 hour'"
            " WHERE lease_until IS NOT NULL"
        )
        self.trigger_push()

    def trigger_push(self, odoo=None):
        """Run the scheduled action to its end. :param odoo: on another server"""
        odoo = odoo or self.odoo
        cron = odoo.ref("saperx_voip.ir_cron_push")

        def ran():
            # Else a worker runs it at this very moment, maybe without our changes.
            with suppress(OdooError):
                odoo.call("ir.cron", "method_direct_trigger", [cron])
                return True

        self.wait("the push has run", ran)

    def circuits(self):
        """The platform's lines by our reference, each with its numbers."""
        ledger = self.sandbox.ledger()
        return {
            circuit["referencia"]: circuit
            | {
                "dids": [
                    did for did in ledger["dids"] if did["circuito_id"] == circuit["id"]
                ]
            }
            for circuit in ledger["circuitos"]
        }

    def circuit(self, line):
        return self.circuits()[self.read_line(line, "reference")["reference"]]

    def start_import(self):
        wizard = self.odoo.create(
            "saperx.import.wizard",
            {
                "integration_id": self.integration,
                "date_from": self.first.isoformat(),
                "date_to": self.last.isoformat(),
            },
        )
        return self.odoo.call("saperx.import.wizard", "action_import", [wizard])[
            "res_id"
        ]

    def wait_import(self, run):
        def ended():
            found = self.odoo.read("saperx.cdr.import", run)
            assert found["state"] != "failed", found["error"]
            return found["state"] == "done" and found

        return self.wait_for_workers("the import has ended", ended)

    def import_calls(self):
        """*Importar ligações* of the closed month. :return: the run's fields"""
        return self.wait_import(self.start_import())

    def calls(self, *conditions):
        """All that is stored of calls. (Their explanations would take their time.)"""
        fields = self.odoo.call("saperx.cdr", "fields_get", [], ["store"])
        return self.odoo.search_read(
            "saperx.cdr",
            [("integration_id", "=", self.integration), *conditions],
            [name for name, field in fields.items() if field["store"]],
        )

    def requests(self, *conditions):
        """What the platform was asked, as the request log has it."""
        return self.odoo.search_read(
            "saperx.api.log", [("integration_name", "=", self.name), *conditions]
        )

    def charge_wizard(self):
        return self.odoo.create(
            "saperx.charge.wizard", {"integration_id": self.integration}
        )

    def charge(self):
        """*Gerar adicional de telefonia*. :return: the ids of the charges made"""
        action = self.odoo.call(
            "saperx.charge.wizard", "action_generate", [self.charge_wizard()]
        )
        return action["domain"][0][2]

    def moves(self, contract):
        lines = self.odoo.search_read(
            "account.move.line",
            [("contract_line_id.contract_id", "=", contract)],
            ["move_id"],
        )
        ids = sorted({line["move_id"][0] for line in lines})
        return self.odoo.call(
            "account.move", "read", ids, ["amount_total", "state", "invoice_line_ids"]
        )

    def record(self, number, line, **changes):
        """A raw call record of the platform: 60 s, long distance, R$ 0,12."""
        circuit = self.circuit(line)
        return self.record_of(circuit, number, **changes)

    def record_of(self, circuit, number, **changes):
        return {
            "id": f"{self.name}-{number}",
            "circuito_id": circuit["id"],
            "conta": circuit["conta"],
            "sentido": "saida",
            "origem": circuit["dids"][0]["numero"],
            "destino": "559933334444",
            "inicio": f"{self.first + timedelta(days=4)} 10:00:00",
            "tempo_total": 70,
            "tempo_real": 60,
            "situacao": "atendida",
            **changes,
        }


def at_once(*actions):
    """Run actions at the same moment. :return: the error, or None, of each"""
    barrier = threading.Barrier(len(actions))
    outcomes = [None] * len(actions)

    def run(place, action):
        barrier.wait()
        try:
            action()
        except OdooError as error:
            outcomes[place] = str(error)

    threads = [threading.Thread(target=run, args=item) for item in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
