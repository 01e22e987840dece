# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .saperx_cdr_rematch import REMATCH_WAITS
from .saperx_line import AS_THERE

FLAGS = (
    "caller_id", "allow_lc", "allow_ldn", "allow_ldi", "allow_vc1", "allow_vc2",
    "allow_vc3",
)  # fmt: skip
SAME_NAME = ("billing_type", "route", "portability", "credit_limit")


class SaperxLine(models.Model):
    """Lines that the platform had before they were known here."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _adopt(self, wanted):
        """Make lines of circuits, in step with the platform as they are made: nothing
        is pushed. What it says of the customer may differ from ours: that is for
        whoever compares.

        The password stays unknown here, and as it is there, until one is set.

        :param wanted: pairs of a ``saperx.circuit`` and values of what the platform
            does not know (contract, billing plan)
        :return: the lines, in that order; a circuit that has its line already keeps it
        :raise UserError: naming why a circuit cannot be a line here
        """
        known = self._find_adopted(circuit for circuit, _values in wanted)
        new = [(c, values) for c, values in wanted if c not in known]
        self._check_adoptable([circuit for circuit, _values in new])
        integrations = self.env["saperx.integration"].union(
            *(circuit.integration_id for circuit, _values in new)
        )
        plans = self._read_plans_there(integrations)
        flags = self._read_flags_there([circuit for circuit, _values in new])
        lines = self.with_context(**{REMATCH_WAITS: True, AS_THERE: True}).create(
            [
                {**self._prepare_adopted(circuit, values, plans), **flags[circuit.id]}
                for circuit, values in new
            ]
        )
        lines = lines.with_context(**{AS_THERE: False})
        for line, (circuit, _values) in zip(lines, new, strict=True):
            line._block_as_there(circuit)
            line._be_in_step(circuit)
            circuit.sudo().line_id = line
            known[circuit] = line
        self.env["saperx.line.difference"]._conclude_adopted(
            self.env["saperx.circuit"].union(*(circuit for circuit, _values in new))
        )
        lines._message_log_batch(
            bodies={
                line.id: self.env._(
                    "Adopted from the platform: circuit %(id)s, “%(name)s”. Nothing "
                    "was changed there; its password is not known here.",
                    id=circuit.remote_id,
                    name=circuit.customer_name or "",
                )
                for line, (circuit, _values) in zip(lines, new, strict=True)
            }
        )
        return self.browse([known[circuit].id for circuit, _values in wanted])

    @api.model
    def _find_adopted(self, circuits):
        """:return: by circuit the line that it is already"""
        circuits = self.env["saperx.circuit"].union(*circuits)
        lines = self.sudo().search(
            [
                ("integration_id", "in", circuits.integration_id.ids),
                ("remote_id", "in", circuits.mapped("remote_id")),
            ]
        )
        by_id = {(line.integration_id, line.remote_id): line for line in lines}
        found = {}
        for circuit in circuits:
            line = by_id.get((circuit.integration_id, circuit.remote_id))
            if line:
                found[circuit] = line
        return found

    @api.model
    def _check_adoptable(self, circuits):
        """Before the database, which would say it in its own words.

        :raise UserError: if another line here has what is one of these circuits'
        """
        lines = self.sudo()
        integrations = [circuit.integration_id.id for circuit in circuits]
        same_platform = [("integration_id", "in", integrations)]
        holders = {
            (line.integration_id, line.account_code): line
            for line in lines.search(
                [
                    *same_platform,
                    ("state", "!=", "cancelled"),
                    ("account_code", "in", [c.account_code for c in circuits]),
                ]
            )
        }
        holders |= {
            (line.integration_id, line.reference): line
            for line in lines.search(
                [*same_platform, ("reference", "in", [c.reference for c in circuits])]
            )
        }
        numbers = [did["number"] for c in circuits for did in c.dids or ()]
        holders |= {
            (did.integration_id, did.number): did.line_id
            for did in self.env["saperx.did"]
            .sudo()
            .search([*same_platform, ("number", "in", numbers)])
        }
        for circuit in circuits:
            if circuit.gone:
                raise UserError(
                    self.env._(
                        "The platform does not list the circuit %s any more: there is "
                        "nothing to adopt.",
                        circuit.display_name,
                    )
                )
            own = [circuit.account_code, circuit.reference]
            own += [did["number"] for did in circuit.dids or ()]
            for what in filter(None, own):
                if holder := holders.get((circuit.integration_id, what)):
                    raise UserError(
                        self.env._(
                            "“%(what)s” is already that of the line %(line)s of the "
                            "contract %(contract)s.",
                            what=what,
                            line=holder.display_name,
                            contract=holder.contract_id.display_name,
                        )
                    )

    @api.model
    def _prepare_adopted(self, circuit, values, plans):
        code = circuit.account_code or ""
        is_code = len(code) == 6 and code.isascii() and code.isdigit()
        ported = circuit.portability == "in"
        return {
            "integration_id": circuit.integration_id.id,
            # What the platform says holds, not what new lines begin with.
            "profile_id": False,
            "account_code": is_code and code,
            "state": "inactive" if circuit.status == "inactive" else "active",
            **self._get_adopted_plans(circuit, plans),
            **{name: circuit[name] for name in SAME_NAME},
            "closing_day": circuit.closing_day or 31,
            "simultaneous_calls": circuit.simultaneous_calls or 1,
            # It was there all the time: its allowances begin with what is charged.
            "in_use_since": False,
            "did_ids": [
                Command.create(
                    {
                        # As it is there: no country code is put before it.
                        "number": f"+{did['number']}",
                        "monthly_fee": did.get("monthly_fee") or 0,
                        "accept_collect_calls": bool(did.get("accept_collect_calls")),
                        # What came by portability is live already.
                        "porting_at": ported and fields.Datetime.now(),
                    }
                )
                for did in circuit.dids or ()
            ],
            **values,
        }

    @api.model
    def _read_flags_there(self, circuits):
        """:return: by id of a circuit what it says of ``FLAGS``; what the platform left
        out is left to the defaults, since a push would else forbid calls"""
        self.env["saperx.circuit"].flush_model(FLAGS)
        rows = self.env.execute_query(
            SQL(
                "SELECT id, %s FROM saperx_circuit WHERE id = ANY(%s)",
                SQL(", ").join(map(SQL.identifier, FLAGS)),
                [circuit.id for circuit in circuits],
            )
        )
        return {
            circuit_id: {
                name: flag
                for name, flag in zip(FLAGS, flags, strict=True)
                if flag is not None
            }
            for circuit_id, *flags in rows
        }

    @api.model
    def _read_plans_there(self, integrations):
        """:return: by field, integration and id on the platform, plans and groups, also
        those that are gone there"""
        domain = [("integration_id", "in", integrations.ids)]
        plans = self.env["saperx.plan"].with_context(active_test=False).search(domain)
        groups = self.env["saperx.group"].with_context(active_test=False)
        names = {"national": "plan_id", "international": "international_plan_id"}
        found = {
            (names[plan.scope], plan.integration_id, plan.remote_id): plan
            for plan in plans
        }
        return found | {
            ("group_id", group.integration_id, group.remote_id): group
            for group in groups.search(domain)
        }

    @api.model
    def _get_adopted_plans(self, circuit, plans):
        """:param plans: as ``_read_plans_there`` gives them
        :raise UserError: if one of them was never read from the platform"""
        values = {}
        for name, remote_id in (
            ("plan_id", circuit.plan_remote_id),
            ("international_plan_id", circuit.international_plan_remote_id),
            ("group_id", circuit.group_remote_id),
        ):
            found = plans.get((name, circuit.integration_id, remote_id))
            if not found and (remote_id or name == "plan_id"):
                raise UserError(
                    self.env._(
                        "%(field)s %(id)s of the circuit is not known here: "
                        "synchronize plans and groups first.",
                        field=self._fields[name].get_description(self.env)["string"],
                        id=remote_id,
                    )
                )
            values[name] = found.id if found else False
        return values

    def _block_as_there(self, circuit):
        """A line that is blocked there is blocked here, by hand: its reason is not
        known."""
        self.ensure_one()
        if circuit.status not in ("blocked", "partially_blocked"):
            return
        levels = ["full", "partial"]
        if circuit.status == "partially_blocked":
            levels.reverse()
        get_status = self.integration_id._get_status_of_block
        level = next((lv for lv in levels if get_status(lv) == circuit.status), None)
        if level is None:
            names = dict(circuit._fields["status"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "It is “%(status)s” on the platform, and the integration says so "
                    "of no block: correct what its blocks mean.",
                    status=names[circuit.status],
                )
            )
        self.env["saperx.line.block"].create(
            {
                "line_id": self.id,
                "reason": "manual",
                "level": level,
                "note": self.env._("As found on the platform"),
            }
        )

    def _be_in_step(self, circuit):
        """As after a push: the platform has it as it is here."""
        self.ensure_one()
        self._write_sync(
            {
                "remote_id": circuit.remote_id,
                "reference": circuit.reference or self.reference,
                "pushed_status": circuit.status,
                "was_claimed": True,
                "pushed_revision": self.revision,
                "sync_state": "synced",
                "next_sync_at": False,
            }
        )
