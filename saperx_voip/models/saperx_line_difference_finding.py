# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.tools import SQL

from ..bulk import copy_rows
from ..gateway import DifferenceKind, LineStatus, differences, told

STAGE = "saperx_line_difference_stage"
COLUMNS = (
    "key", "kind", "line_id", "circuit_id", "field_name", "number", "our_value",
    "their_value", "is_pending",
)  # fmt: skip


@dataclass(slots=True)
class Found:
    """What came of comparing."""

    rows: list
    skipped_line_ids: list
    """Not compared: changed since the platform was asked, or not readable there."""
    compared_count: int = 0


class SaperxLineDifference(models.Model):
    """How differences are found: all lines at once, and written by set."""

    _inherit = "saperx.line.difference"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _find(self, reading, told_lines, is_whole, asked_at):
        """Compare what a reading brought with what is wanted here.

        :param reading: its lines are in ``saperx.circuit`` by now
        :param told_lines: ``gateway.Line`` by id on the platform
        :param is_whole: whether all of the platform's lines could be read
        :param asked_at: before the platform was asked, by the database's clock: a line
            that was written since may be there otherwise by now
        :return: a ``Found``
        """
        found = self._compare(reading.integration_id, told_lines, is_whole, asked_at)
        self.env.flush_all()
        self._fill_stage(found.rows)
        self._write_staged(reading)
        self._settle(reading.integration_id, found.skipped_line_ids, is_whole)
        self.env.cr.execute(SQL("DROP TABLE %s", SQL.identifier(STAGE)))
        self.invalidate_model()
        return found

    @api.model
    def _compare(self, integration, told_lines, is_whole, asked_at):
        circuits, of_line = self._get_circuits(integration, told_lines)
        lines = self._get_lines(integration)
        found, chosen = Found([], []), {}
        holders = {
            did.number: remote_id
            for remote_id, told_line in told_lines.items()
            for did in told_line.dids or ()
        }
        # Numbers that are told of with the line that ought to have them.
        elsewhere, extras = set(), []
        for line in lines:
            candidates = of_line.get(line.id, [])
            remote_id = self._choose(line, candidates, told_lines)
            chosen[remote_id] = line
            if line.write_date > asked_at or (
                remote_id is None
                and not (is_whole or all(circuits[one].gone for one in candidates))
            ):
                found.skipped_line_ids.append(line.id)
                continue
            found.compared_count += 1
            if remote_id is None:
                if line.state != "cancelled":
                    status = told(line._get_wanted_status())
                    found.rows.append(self._row("missing", line, ours=status))
                continue
            for kind, subject, ours, theirs in self._differ(
                line, told_lines[remote_id]
            ):
                circuit_id = circuits[remote_id].id
                if kind == DifferenceKind.DID_MISSING and subject in holders:
                    kind, theirs = "did_elsewhere", str(holders[subject])
                    elsewhere.add((holders[subject], subject))
                row = self._row(kind, line, circuit_id, subject, ours, theirs)
                if kind == DifferenceKind.DID_EXTRA:
                    extras.append(((remote_id, subject), row))
                else:
                    found.rows.append(row)
        found.rows += [row for place, row in extras if place not in elsewhere]
        found.rows += self._get_unknown(circuits, told_lines, chosen)
        return found

    @api.model
    def _get_circuits(self, integration, told_lines):
        """:return: circuits by id on the platform, and these ids by line"""
        circuits = self.env["saperx.circuit"].search_fetch(
            [
                ("integration_id", "=", integration.id),
                "|",
                ("line_id", "!=", False),
                ("gone", "=", False),
            ],
            ["remote_id", "line_id", "gone"],
        )
        of_line = defaultdict(list)
        for circuit in circuits:
            if circuit.line_id:
                of_line[circuit.line_id.id].append(circuit.remote_id)
        return {circuit.remote_id: circuit for circuit in circuits}, of_line

    @api.model
    def _get_lines(self, integration):
        return (
            self.env["saperx.line"]
            .sudo()
            .search([("integration_id", "=", integration.id), ("state", "!=", "draft")])
        )

    @api.model
    def _choose(self, line, candidates, told_lines):
        """The line's own of those that are there now, by id on the platform, or None.

        Two of one reference there ought not to be.
        """
        there = [remote_id for remote_id in candidates if remote_id in told_lines]
        if line.remote_id in there:
            return line.remote_id
        return min(there, default=None)

    @api.model
    def _differ(self, line, told_line):
        """:return: kind, subject, and both values of each difference"""
        for difference in differences(
            line._get_wanted_settings(),
            line._get_wanted_status(),
            line._get_wanted_dids(),
            line.state == "cancelled",
            told_line,
        ):
            yield (
                difference.kind.value,
                difference.subject,
                difference.ours,
                difference.theirs,
            )

    @api.model
    def _get_unknown(self, circuits, told_lines, chosen):
        """Rows of what is alive there, or holds numbers, and is no line of ours."""
        rows = []
        for remote_id, told_line in told_lines.items():
            is_over = told_line.status == LineStatus.INACTIVE and not told_line.dids
            if remote_id in chosen or is_over:
                continue
            circuit = circuits[remote_id]
            rows.append(
                (
                    f"circuit {circuit.id}",
                    "unknown",
                    None,
                    circuit.id,
                    None,
                    None,
                    None,
                    told(told_line.status),
                    False,
                )
            )
        return rows

    @api.model
    def _row(self, kind, line, circuit_id=None, subject="", ours="", theirs=""):
        is_setting = kind == "setting"
        return (
            f"line {line.id} {kind} {subject}".rstrip(),
            kind,
            line.id,
            circuit_id,
            subject if is_setting else None,
            None if is_setting else subject or None,
            ours or None,
            theirs or None,
            line.sync_state == "pending",
        )

    @api.model
    def _fill_stage(self, rows):
        cr = self.env.cr
        cr.execute(
            SQL(
                """
                CREATE TEMP TABLE %s (
                    key varchar PRIMARY KEY, kind varchar, line_id integer,
                    circuit_id integer, field_name varchar, number varchar,
                    our_value varchar, their_value varchar, is_pending boolean
                ) ON COMMIT DROP
                """,
                SQL.identifier(STAGE),
            )
        )
        copy_rows(cr, STAGE, COLUMNS, rows)
        cr.execute(SQL("ANALYZE %s", SQL.identifier(STAGE)))

    @api.model
    def _write_staged(self, reading):
        """What is ignored stays so until one of the values is another."""
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO saperx_line_difference AS known (
                    integration_id, company_id, key, kind, line_id, circuit_id,
                    field_name, number, our_value, their_value, state, found_at,
                    reading_id
                )
                SELECT %(integration)s, %(company)s, key, kind, line_id, circuit_id,
                       field_name, number, our_value, their_value,
                       CASE WHEN is_pending THEN 'pending' ELSE 'open' END, %(now)s,
                       %(reading)s
                  FROM %(stage)s
                    ON CONFLICT (integration_id, key) DO UPDATE
                   SET line_id = EXCLUDED.line_id,
                       circuit_id = EXCLUDED.circuit_id,
                       our_value = EXCLUDED.our_value,
                       their_value = EXCLUDED.their_value,
                       reading_id = EXCLUDED.reading_id,
                       found_at = CASE WHEN known.state = 'settled'
                           THEN EXCLUDED.found_at ELSE known.found_at END,
                       state = CASE WHEN %(stays_ignored)s
                           THEN 'ignored' ELSE EXCLUDED.state END,
                       ignore_reason = CASE WHEN %(stays_ignored)s
                           THEN known.ignore_reason END,
                       note = CASE WHEN EXCLUDED.state = 'open' AND known.state = 'open'
                           THEN known.note END
                """,
                integration=reading.integration_id.id,
                company=reading.company_id.id,
                now=fields.Datetime.now(),
                reading=reading.id,
                stage=SQL.identifier(STAGE),
                stays_ignored=SQL(
                    "known.state = 'ignored' AND (known.our_value, known.their_value)"
                    " IS NOT DISTINCT FROM (EXCLUDED.our_value, EXCLUDED.their_value)"
                ),
            )
        )

    @api.model
    def _settle(self, integration, skipped_line_ids, is_whole):
        """What was not found any more is over, unless it was not looked for."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE saperx_line_difference known
                   SET state = 'settled', note = NULL
                 WHERE integration_id = %s AND state != 'settled'
                   AND NOT EXISTS (SELECT FROM %s stage WHERE stage.key = known.key)
                   AND (line_id IS NULL OR line_id != ALL(%s))
                   AND (%s OR line_id IS NOT NULL OR EXISTS (
                       SELECT FROM saperx_circuit circuit
                        WHERE circuit.id = known.circuit_id
                          AND (circuit.gone OR circuit.line_id IS NOT NULL)
                   ))
                """,
                integration.id,
                SQL.identifier(STAGE),
                skipped_line_ids,
                is_whole,
            )
        )
