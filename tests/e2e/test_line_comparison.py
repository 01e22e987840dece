"""Fifty differences made at random on the platform: each is found, named and mended."""

import os
import random
from contextlib import suppress

import pytest
from demo.client import OdooError

LINES = 30
DIFFERENCES = 50
TAKEN_NEVER = ("customer_name", "customer_document", "missing", "unknown")
STATUSES = {
    "bloqueado": "blocked",
    "bloqueado_parcial": "partially_blocked",
    "inativo": "inactive",
}
FLAGS = {
    "bina": "caller_id",
    "lc": "allow_lc",
    "ldn": "allow_ldn",
    "ldi": "allow_ldi",
    "vc1": "allow_vc1",
    "vc2": "allow_vc2",
    "vc3": "allow_vc3",
}
ROUTES = {"scm": "scm", "personalizado": "custom"}


class Panel:
    """Somebody at the platform's own panel, who changes this and that.

    ``expected`` is what ought to be found: who differs, in what, and what it is there.
    """

    def __init__(self, world, lines, seed):
        self.world = world
        self.sandbox = world.sandbox
        self.rng = random.Random(seed)
        references = {line: world.read_line(line, "reference") for line in lines}
        circuits = world.circuits()
        self.circuits = {
            line: circuits[read["reference"]] for line, read in references.items()
        }
        self.expected = {}
        self.rest = list(lines)
        self.rng.shuffle(self.rest)
        self.fields = {}
        self.groups, self.plans, self.abroad = (
            [one["remote_id"] for one in world.odoo.search_read(*query)]
            for query in (
                ("saperx.group", self._own(), ["remote_id"]),
                ("saperx.plan", self._own("national"), ["remote_id"]),
                ("saperx.plan", self._own("international"), ["remote_id"]),
            )
        )

    def _own(self, scope=None):
        domain = [("integration_id", "=", self.world.integration)]
        return domain + ([("scope", "=", scope)] if scope else [])

    def make(self, count):
        """So many differences, of all kinds."""
        for kind, often in (
            (self.remove_line, 3),
            (self.change_reference, 2),
            (self.add_unknown, 3),
            (self.change_status, 5),
            (self.move_number, 3),
            (self.drop_number, 4),
            (self.give_number, 4),
            (self.change_terms, 4),
        ):
            for _time in range(often):
                kind()
        while len(self.expected) < count:
            self.change_field()

    def _pick(self):
        """A line that nothing else is done to but its fields."""
        line = self.rest.pop()
        self.fields[line] = set()
        return line, self.circuits[line]

    def _expect(self, line, kind, subject, theirs):
        self.expected[line, kind, subject] = theirs

    def remove_line(self):
        line = self.rest.pop()
        self.sandbox.remove_line(self.circuits[line]["id"])
        self._expect(line, "missing", False, False)

    def change_reference(self):
        line, circuit = self._pick()
        reference = f"outra-{circuit['id']}"
        self.sandbox.change_line(circuit["id"], referencia=reference)
        self._expect(line, "reference", False, reference)

    def add_unknown(self):
        [made] = self.sandbox.make_lines(1)
        self._expect(f"circuit {made['id']}", "unknown", False, "active")

    def change_status(self):
        line, circuit = self._pick()
        status = self.rng.choice(list(STATUSES))
        self.sandbox.change_line(circuit["id"], status=status)
        self._expect(line, "status", False, STATUSES[status])

    def move_number(self):
        line, circuit = self._pick()
        _other, there = self._pick()
        number = circuit["dids"][0]["numero"]
        self._put(number, there)
        self._expect(line, "did_elsewhere", number, str(there["id"]))

    def drop_number(self):
        line, circuit = self._pick()
        number = circuit["dids"][0]["numero"]
        self.sandbox.put_did(number)
        self._expect(line, "did_missing", number, False)

    def give_number(self):
        line, circuit = self._pick()
        number = self.world.number()
        self._put(number, circuit, valor="12.50", a_cobrar=True)
        self._expect(line, "did_extra", number, "12.5 true")

    def change_terms(self):
        line, circuit = self._pick()
        number = circuit["dids"][0]["numero"]
        fee = self.rng.randrange(100, 9000)
        self._put(number, circuit, valor=f"{fee / 100:.2f}", a_cobrar=True)
        told = f"{fee / 100:.2f}".rstrip("0").rstrip(".")
        self._expect(line, "did_terms", number, f"{told} true")

    def _put(self, number, circuit, valor="0", a_cobrar=False):
        self.sandbox.put_did(
            number, circuito_id=circuit["id"], valor=valor, a_cobrar=a_cobrar
        )

    def change_field(self):
        line = self.rng.choice(list(self.fields))
        name, wire, value, told = self._another_value(self.circuits[line])
        if name not in self.fields[line]:
            self.fields[line].add(name)
            self.sandbox.change_line(self.circuits[line]["id"], **{wire: value})
            self._expect(line, "setting", name, told)

    def _another_value(self, circuit):
        """:return: our name, the platform's, and a value that it has not, in both"""
        rng = self.rng
        flag = rng.choice(list(FLAGS))
        route = rng.choice(list(ROUTES))
        day, calls = rng.randrange(1, 29), rng.randrange(2, 50)
        group, abroad = rng.choice(self.groups), rng.choice(self.abroad)
        plan = rng.choice([one for one in self.plans if one != circuit["plano_id"]])
        code = f"{rng.randrange(900_000, 999_999)}"
        is_on = not circuit[flag]
        return rng.choice(
            [
                (FLAGS[flag], flag, is_on, "true" if is_on else "false"),
                ("route", "plano_tipo", route, ROUTES[route]),
                ("closing_day", "dia_fechamento", day, str(day)),
                ("simultaneous_calls", "limite_simultaneas", calls, str(calls)),
                ("credit_limit", "limite_credito", f"{calls}.75", f"{calls}.75"),
                ("group_remote_id", "grupo_id", group, str(group)),
                (
                    "international_plan_remote_id",
                    "plano_internacional_id",
                    abroad,
                    str(abroad),
                ),
                ("plan_remote_id", "plano_id", plan, str(plan)),
                ("account_code", "conta", code, code),
                ("billing_type", "tipo", "pre_pago", "prepaid"),
                ("portability", "portabilidade", "saida", "out"),
                ("customer_name", "nome", f"Outro {day}", f"Outro {day}"),
                ("customer_document", "documento", "12345678909", "12345678909"),
            ]
        )


class Comparison:
    """*Comparar linhas*, and what it shows."""

    def __init__(self, world):
        self.world = world
        self.odoo = world.odoo

    def run(self):
        """:return: what came of the reading"""
        action = self.odoo.call(
            "saperx.integration", "action_compare_lines", [self.world.integration]
        )

        def ended():
            found = self.odoo.read("saperx.circuit.reading", action["res_id"])
            assert found["state"] != "failed", found["error"]
            return found["state"] == "done" and found

        reading = self.world.wait_for_workers("the lines are compared", ended)
        assert not reading["skipped_count"]
        return reading

    def rows(self, *conditions):
        return self.odoo.search_read(
            "saperx.line.difference",
            [("integration_id", "=", self.world.integration), *conditions],
            [],
        )

    def found(self, state="open"):
        """As ``Panel.expected``, each with its row's id."""
        return {
            (
                row["line_id"][0] if row["line_id"] else self._name(row),
                row["kind"],
                row["field_name"] or row["number"],
            ): row
            for row in self.rows(("state", "=", state))
        }

    def _name(self, row):
        circuit = self.odoo.read("saperx.circuit", row["circuit_id"][0], "remote_id")
        return f"circuit {circuit['remote_id']}"

    def mend(self, action, keys, found):
        ids = [found[key]["id"] for key in keys]
        if ids:
            self.odoo.call("saperx.line.difference", f"action_{action}", ids)


@pytest.fixture
def seed():
    seed = int(os.environ.get("COMPARISON_SEED", random.randrange(10**6)))
    print(f"COMPARISON_SEED={seed}")
    return seed


def test_fifty_differences_are_found_named_and_mended_each_by_itself(world, seed):
    lines = world.many_lines(LINES)
    world.trigger_push()
    world.wait_all_synced()
    comparison = Comparison(world)
    assert comparison.run()["difference_count"] == 0

    panel = Panel(world, lines, seed)
    panel.make(DIFFERENCES)
    assert len(panel.expected) == DIFFERENCES
    comparison.run()
    found = comparison.found()
    assert {key: row["their_value"] for key, row in found.items()} == panel.expected
    assert all(row["subject"] for row in found.values() if row["kind"] == "setting")
    assert all(row["ours"] and row["theirs"] for row in found.values())
    shown = world.odoo.read("saperx.integration", world.integration, "difference_count")
    assert shown["difference_count"] == DIFFERENCES

    # Theirs is taken: what was taken differs no more, and everything else as before.
    written = len(world.sandbox.ledger()["history"])
    taken = [
        (line, kind, subject)
        for line, kind, subject in found
        if kind not in TAKEN_NEVER
        and subject not in TAKEN_NEVER
        and (kind == "reference" or panel.rng.random() < 0.5)
    ]
    comparison.mend("take", taken, found)
    assert not comparison.rows(("note", "!=", False))
    assert set(comparison.found("mended")) == set(taken)
    comparison.run()
    left = panel.expected.keys() - set(taken)
    assert set(comparison.found()) == left
    assert len(world.sandbox.ledger()["history"]) == written

    # Ours is pushed: the platform is as it is wanted.
    found = comparison.found()
    pushed = [key for key in left if key[1] != "unknown"]
    comparison.mend("push", pushed, found)
    assert not comparison.rows(("note", "!=", False))
    world.trigger_push()
    world.wait_all_synced()
    comparison.run()
    unknown = {key for key in left if key[1] == "unknown"}
    assert set(comparison.found()) == unknown

    # And what is nobody's is ignored, with a reason, until it changes.
    found = comparison.found()
    action = comparison.odoo.call(
        "saperx.line.difference", "action_ignore", [r["id"] for r in found.values()]
    )
    wizard = comparison.odoo.create(
        action["res_model"], {"reason": "Testes da plataforma"}, **action["context"]
    )
    comparison.odoo.call(action["res_model"], "action_ignore", [wizard])
    comparison.run()
    assert not comparison.found()
    assert set(comparison.found("ignored")) == unknown


def test_whoever_compares_while_it_is_being_done_sees_that_comparison(world):
    line = world.line(world.contract())
    world.wait_synced(line)
    world.sandbox.fault("/circuitos", "delay", method="GET", seconds=2)
    compare = ("saperx.integration", "action_compare_lines", [world.integration])
    first = world.odoo.call(*compare)["res_id"]
    assert world.odoo.call(*compare)["res_id"] == first
    with suppress(OdooError):
        # Another worker at the same moment finds it at work.
        world.odoo.call(
            "ir.cron",
            "method_direct_trigger",
            [world.odoo.ref("saperx_voip.ir_cron_circuits")],
        )

    def ended():
        found = world.odoo.read("saperx.circuit.reading", first)
        return found["state"] == "done" and found

    assert world.wait_for_workers("it is compared", ended)["read_count"] == 1
