"""How a contract can end × platform up or down × state of the line × date, told by the
platform: the line is inactive there and its numbers are free.

All contracts live in one world and end one after another; each row is looked at in a
test of its own. What is wanted here, in Odoo, is in the addon's own tests.
"""

import itertools
from datetime import timedelta

import pytest
from demo.provider import local_today
from playwright.sync_api import expect
from sandbox.process import running

from .browser import log_in
from .world import World, at_once

DAYS = {"past": -3, "today": 0, "future": 3}
ONE_DAY = timedelta(days=1)
DATED = ("wizard", "wizard_after_invoice", "write", "stopped_fees", "own_fee")
AT_ONCE = ("archive", "cancelled_fees", "deleted_fee", "bulk_write")
ENDS = [*itertools.product(DATED, DAYS), *((way, "today") for way in AT_ONCE)]
PLATFORMS = ("up", "down")
STATES = ("active", "blocked", "pending", "refused")
# Of a line that it never heard of, a platform that answers has heard.
CASES = [*itertools.product(PLATFORMS, ENDS, STATES)] + [
    ("down", end, "unpushed") for end in ENDS
]


def terminate(world, contract, day):
    reason = world.odoo.create(
        "contract.terminate.reason",
        {"name": "Mudou-se", "terminate_comment_required": False},
    )
    wizard = world.odoo.create(
        "contract.contract.terminate",
        {
            "contract_id": contract,
            "terminate_reason_id": reason,
            "terminate_date": day.isoformat(),
        },
    )
    world.odoo.call("contract.contract.terminate", "terminate_contract", [wizard])


class Ends:
    """The world's contracts by platform, way and date, a line in each state on each."""

    def __init__(self, world: World):
        self.world = world
        self.odoo = world.odoo
        self.rows = [(platform, *end) for platform in PLATFORMS for end in ENDS]
        self.contracts = self._make_contracts()
        self.lines = self._make_lines(itertools.product(self.rows, STATES))
        self.fees = self._read_fees()
        self._let_lines_be_what_they_are()

    # === What there is ===

    def _make_contracts(self):
        product = self.odoo.create(
            "product.product",
            {"name": "Internet", "type": "service", "taxes_id": [(6, 0, [])]},
        )
        (journal,) = self.odoo.search_read(
            "account.journal", [("type", "=", "sale")], ["id"], limit=1
        )
        partner = self.odoo.create("res.partner", {"name": "Maria", "lang": "pt_BR"})
        begin = self.world.today - timedelta(days=10)

        def contract(row):
            _platform, way, _when = row
            fee = {
                "name": "Internet",
                "product_id": product,
                "quantity": 1,
                "price_unit": 100,
                "specific_price": 100,
                "recurring_invoicing_type": "pre-paid",
                "recurring_rule_type": "yearly",
                "date_start": begin.isoformat(),
                "recurring_next_date": self.world.today.isoformat(),
            }
            fees = [fee]
            if way in ("own_fee", "deleted_fee"):
                fees.append({**fee, "name": "Telefone"})
            return {
                "name": "Contract " + " ".join(row),
                "partner_id": partner,
                "contract_type": "sale",
                "journal_id": journal["id"],
                "contract_line_ids": [(0, 0, values) for values in fees],
            }

        ids = self.odoo.call(
            "contract.contract", "create", [contract(row) for row in self.rows]
        )
        return dict(zip(self.rows, ids, strict=True))

    def _make_lines(self, kinds):
        """:param kinds: pairs of a row and a state
        :return: the lines by (platform, way, when, state)
        """
        rows = [(*row, state) for row, state in kinds]
        values = [
            {
                "contract_id": self.contracts[row[:3]],
                "integration_id": self.world.integration,
                "plan_id": self.world.plan,
                "tariff_id": self.world.tariff,
                "credit_limit": 300,
                "did_ids": [(0, 0, {"number": self.world.number()})],
            }
            for row in rows
        ]
        ids = self.odoo.call("saperx.line", "create", values)
        return dict(zip(rows, ids, strict=True))

    def _read_fees(self):
        """Ids of contract lines by contract: (Internet, another one if there is)."""
        found = self.odoo.search_read(
            "contract.line",
            [
                ("contract_id", "in", list(self.contracts.values())),
                ("is_telephony", "=", False),
            ],
            ["contract_id"],
            order="id",
        )
        fees = {}
        for fee in found:
            fees.setdefault(fee["contract_id"][0], []).append(fee["id"])
        return fees

    def _get_lines(self, **wanted):
        names = ("platform", "way", "when", "state")
        return [
            line
            for row, line in self.lines.items()
            if all(
                dict(zip(names, row, strict=True))[name] == value
                for name, value in wanted.items()
            )
        ]

    def _let_lines_be_what_they_are(self):
        for row, contract in self.contracts.items():
            if row[1] == "own_fee":
                lines = [self.lines[(*row, state)] for state in STATES]
                self.odoo.write(
                    "saperx.line",
                    lines,
                    {"contract_line_id": self.fees[contract][1]},
                )
        self.world.wait_all_synced()
        blocks = [{"line_id": line} for line in self._get_lines(state="blocked")]
        self.odoo.call("saperx.line.block", "create", blocks)
        self.world.wait_all_synced()
        refused = self._get_lines(state="refused")
        for line in self.odoo.call("saperx.line", "read", refused, ["remote_id"]):
            self.world.sandbox.fault(
                f"/circuitos/{line['remote_id']}",
                "status",
                method="PUT",
                status=422,
                body={"erro": "Limite acima do plano"},
            )
        self.odoo.write("saperx.line", refused, {"simultaneous_calls": 99})
        self.world.wait(
            "the refusals show",
            lambda: self.world.count_lines("sync_state = 'error'") == len(refused),
        )
        # As after trouble: each waits for its next attempt.
        waiting = ", ".join(map(str, self._get_lines(state="pending")))
        self.world.sql(
            "UPDATE saperx_line SET revision = revision + 1, sync_state = 'pending',"
            " next_sync_at = now() AT TIME ZONE 'UTC' + interval '1 hour'"
            f" WHERE id IN ({waiting})"
        )

    # === How they end ===

    def end(self, platform):
        for row, contract in self.contracts.items():
            if row[0] == platform:
                _platform, way, when = row
                day = self.world.today + timedelta(days=DAYS[when])
                getattr(self, f"_end_by_{way}")(contract, day)

    def _end_by_wizard(self, contract, day):
        terminate(self.world, contract, day)

    def _end_by_wizard_after_invoice(self, contract, day):
        self.odoo.call("contract.contract", "recurring_create_invoice", [contract])
        self._end_by_wizard(contract, day)
        fee = self.odoo.read("contract.line", self.fees[contract][0], "date_end")
        assert fee["date_end"] > day.isoformat()

    def _end_by_write(self, contract, day):
        self.odoo.write("contract.contract", [contract], self._terminated_on(day))

    def _terminated_on(self, day):
        return {"is_terminated": True, "terminate_date": day.isoformat()}

    def _end_by_stopped_fees(self, contract, day):
        self._stop(self.fees[contract][0], day)

    def _end_by_own_fee(self, contract, day):
        self._stop(self.fees[contract][1], day)

    def _stop(self, fee, day):
        wizard = self.odoo.create(
            "contract.line.wizard",
            {"contract_line_id": fee, "date_end": (day - ONE_DAY).isoformat()},
        )
        self.odoo.call("contract.line.wizard", "stop", [wizard])

    def _end_by_archive(self, contract, _day):
        self.odoo.call("contract.contract", "action_archive", [contract])

    def _end_by_cancelled_fees(self, contract, _day):
        self.odoo.call("contract.line", "cancel", self.fees[contract])

    def _end_by_deleted_fee(self, contract, _day):
        first, second = self.fees[contract]
        self.odoo.call("contract.line", "cancel", [first])
        self.odoo.call("contract.line", "unlink", [second])

    def _end_by_bulk_write(self, contract, day):
        """Together with one that has no telephony."""
        other = self.odoo.call("contract.contract", "copy", [contract])[0]
        self.odoo.write(
            "contract.contract", [contract, other], self._terminated_on(day)
        )

    def let_the_day_come(self, platform):
        """What time would do, then the scheduled action, twice at the same moment."""
        coming = [
            str(contract)
            for row, contract in self.contracts.items()
            if row[0] == platform and row[2] == "future"
        ]
        past = f"'{self.world.today}'::date"
        on = f"contract_id IN ({', '.join(coming)})"
        self.world.sql(
            f"UPDATE contract_contract SET terminate_date = {past}"
            f" WHERE id IN ({', '.join(coming)}) AND is_terminated;"
            f"UPDATE contract_line SET date_end = {past} - 1 WHERE {on}"
            f" AND date_end = {past} + {DAYS['future'] - 1};"
        )
        cron = self.odoo.ref("saperx_voip.ir_cron_contract_life")
        action = self.odoo.read("ir.cron", cron, "ir_actions_server_id")
        (server_action, _name) = action["ir_actions_server_id"]

        def sweep():
            self.odoo.call("ir.actions.server", "run", [server_action])

        assert at_once(sweep, sweep) == [None, None]

    def read_states(self, **wanted):
        lines = self._get_lines(**wanted)
        found = self.odoo.call("saperx.line", "read", lines, ["state"])
        return {line["state"] for line in found}


@pytest.fixture(scope="module")
def ended(server, admin, database, tmp_path_factory):
    """What came of each row.

    :return: fields of the line, its circuit or None, and its number on the platform,
        by (platform, way, when, state)
    """
    with running(tmp_path_factory.mktemp("ends") / "sandbox") as sandbox:
        world = World(
            admin,
            sandbox,
            name="Ends",
            database=database,
            today=local_today(),
        )
        ends = Ends(world)
        ends.end("up")
        assert ends.read_states(platform="up", when="future") == {"active"}
        ends.let_the_day_come("up")
        world.wait(
            "the ended lines are in step",
            lambda: (
                not world.count_lines("state = 'cancelled' AND sync_state <> 'synced'")
            ),
        )
        sandbox.stop()
        ends.lines |= ends._make_lines(
            (row, "unpushed") for row in ends.rows if row[0] == "down"
        )
        for row, contract in ends.contracts.items():
            if row[:2] == ("down", "own_fee"):
                world.odoo.write(
                    "saperx.line",
                    [ends.lines[(*row, "unpushed")]],
                    {"contract_line_id": ends.fees[contract][1]},
                )
        ends.end("down")
        assert ends.read_states(platform="down", when="future") == {"active"}
        ends.let_the_day_come("down")
        # In Odoo they have ended, and nobody waited for the platform.
        assert ends.read_states() == {"cancelled"}
        sandbox.start()
        world.let_pauses_end()
        world.wait_all_synced()
        yield _read_all(world, ends)
        admin.write("saperx.integration", [world.integration], {"active": False})


def _read_all(world, ends):
    circuits = world.circuits()
    numbers = {did["numero"]: did for did in world.sandbox.ledger()["dids"]}
    ids = list(ends.lines.values())
    fields = ["state", "reference", "pushed_status", "did_ids", "end_mended_at"]
    lines = {
        line["id"]: line for line in world.odoo.call("saperx.line", "read", ids, fields)
    }
    dids = world.odoo.search_read(
        "saperx.did",
        [("line_id", "in", ids), ("active", "=", False)],
        ["line_id", "number"],
    )
    number_of = {did["line_id"][0]: did["number"] for did in dids}
    told = [
        message["res_id"]
        for message in world.odoo.search_read(
            "mail.message",
            [
                ("model", "=", "saperx.line"),
                ("res_id", "in", ids),
                # In English or Portuguese.
                ("body", "ilike", "cancel"),
            ],
            ["res_id"],
        )
    ]
    for line in lines.values():
        line["times_told"] = told.count(line["id"])
    return {
        row: (
            lines[line],
            circuits.get(lines[line]["reference"]),
            numbers[number_of[line]],
        )
        for row, line in ends.lines.items()
    }


@pytest.mark.parametrize(
    ("platform", "end", "state"),
    CASES,
    ids=[f"{platform}-{'-'.join(end)}-{state}" for platform, end, state in CASES],
)
def test_an_ended_line_is_inactive_there_and_its_number_free(
    ended, platform, end, state
):
    line, circuit, number = ended[(platform, *end, state)]
    assert line["state"] == "cancelled"
    assert line["did_ids"] == []
    # Nothing was missed, and two sweeps at once did not end it twice.
    assert not line["end_mended_at"]
    assert line["times_told"] == 1
    if circuit or state != "unpushed":
        assert line["pushed_status"] == "inactive"
        assert circuit["status"] == "inativo"
        assert circuit["dids"] == []
    assert number["status"] == "disponivel"
    assert not number["circuito_id"]


def test_a_reopened_line_is_the_same_circuit_with_its_number_and_password(
    world, server, page
):
    odoo = world.odoo
    contract = world.contract()
    line = world.line(contract, password="Given-by-hand-1")
    world.wait_synced(line)
    before = world.circuit(line)
    terminate(world, contract, local_today())
    world.wait_synced(line)
    assert world.circuit(line)["status"] == "inativo"
    log_in(page, server, "admin", "admin")
    action = odoo.ref("saperx_voip.contract_contract_action")
    page.goto(f"{server.url}/odoo/action-{action}/{contract}")
    page.locator("button[name=action_cancel_contract_termination]").click()
    page.locator(".modal .btn-primary").click()
    offered = page.locator(".modal div[name=row_ids] .o_data_row")
    expect(offered).to_have_count(1)
    (did,) = before["dids"]
    expect(offered).to_contain_text(did["numero"][-4:])
    page.locator(".modal button[name=action_reopen]").click()
    expect(page.locator(".modal")).to_have_count(0)
    world.wait_synced(line)
    after = world.circuit(line)
    # Asked of nobody: it was we who had closed it.
    assert after["status"] == before["status"] == "ativo"
    for name in ("id", "conta", "senha_sha256"):
        assert after.get(name) == before.get(name), name
    assert [did["numero"] for did in after["dids"]] == [
        did["numero"] for did in before["dids"]
    ]
