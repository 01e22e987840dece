# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import json
import re

from odoo import api, fields, models
from odoo.tools import SQL

from ..adoption import Circuit, Contract, Matcher, clean_document, numbers_in
from ..bulk import copy_rows, update_rows

# A word of a contract's name that may be a code.
_CODE = re.compile(r"\w*\d\w*\d\w*\d\w*")


class SaperxAdoption(models.Model):
    """Which contracts are proposed for the circuits that have no line here."""

    _inherit = "saperx.adoption"  # pylint: disable=consider-merging-classes-inherited

    def _propose(self):
        """Gather the circuits that have no line, and propose contracts for them.

        What a person set stays. By set: thousands of circuits in seconds.
        """
        self.ensure_one()
        self.env.flush_all()
        self._gather_circuits()
        matcher = Matcher(self._read_contracts())
        rows, proposals = [], []
        for match in matcher.match(self._read_circuits()):
            rows.append(
                (
                    match.circuit_id,
                    match.certainty or "none",
                    bool(match.proposals) and match.contract_id is None,
                    match.contract_id,
                )
            )
            proposals += [
                (
                    match.circuit_id,
                    self.company_id.id,
                    sequence,
                    proposal.contract_id,
                    proposal.certainty,
                    json.dumps(proposal.evidence),
                )
                for sequence, proposal in enumerate(match.proposals)
            ]
        self._store_proposals(rows, proposals)
        self.proposed_at = fields.Datetime.now()

    def _gather_circuits(self):
        """A row for each circuit of the platform that has no line here, and no other
        undecided one."""
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM saperx_adoption_row AS adopted
                USING saperx_circuit AS circuit
                WHERE circuit.id = adopted.circuit_id AND adopted.adoption_id = %s
                  AND adopted.state IN ('open', 'failed')
                  AND (circuit.gone OR circuit.line_id IS NOT NULL)
                """,
                self.id,
            )
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO saperx_adoption_row (
                    adoption_id, circuit_id, company_id, certainty, state,
                    create_uid, create_date, write_uid, write_date
                )
                SELECT %(adoption)s, id, %(company)s, 'none', 'open',
                       %(user)s, %(now)s, %(user)s, %(now)s
                FROM saperx_circuit
                WHERE integration_id = %(integration)s
                  AND line_id IS NULL AND gone IS NOT TRUE
                ON CONFLICT (circuit_id) DO NOTHING
                """,
                adoption=self.id,
                company=self.company_id.id,
                integration=self.integration_id.id,
                user=self.env.uid,
                now=fields.Datetime.now(),
            )
        )
        self.env["saperx.adoption.row"].invalidate_model()

    def _read_circuits(self):
        """:return: an iterator of ``Circuit``, each by the id of its row"""
        for row_id, document, name, numbers, *codes in self.env.execute_query(
            SQL(
                """
                SELECT adopted.id, customer_document, customer_name, numbers,
                       account_code, reference
                FROM saperx_adoption_row AS adopted
                JOIN saperx_circuit AS circuit ON circuit.id = adopted.circuit_id
                WHERE adoption_id = %s AND adopted.state IN ('open', 'failed')
                ORDER BY adopted.id
                """,
                self.id,
            )
        ):
            yield Circuit(
                row_id,
                clean_document(document),
                name,
                frozenset((numbers or "").split(", ")) - {""},
                frozenset(filter(None, codes)),
            )

    def _read_contracts(self):
        """:return: a list of ``Contract``: all that may still take a line"""
        today = self.company_id._get_telephony_today()
        contracts = self.env["contract.contract"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("contract_type", "=", "sale"),
                "|",
                ("is_terminated", "=", False),
                ("terminate_date", ">", today),
            ]
        )
        return [self._prepare_contract(contract) for contract in contracts]

    @api.model
    def _prepare_contract(self, contract):
        """What a contract is known by."""
        partner = contract.partner_id
        partners = partner | partner.commercial_partner_id | contract.invoice_partner_id
        texts = [contract.code, contract.name]
        written = " ".join(filter(None, texts))
        return Contract(
            contract.id,
            frozenset(filter(None, map(clean_document, partners.mapped("vat")))),
            tuple(filter(None, partners.mapped("name"))),
            numbers_in(written).union(*map(numbers_in, partners.mapped("phone"))),
            frozenset(filter(None, [*texts, partner.ref, *_CODE.findall(written)])),
        )

    def _store_proposals(self, rows, proposals):
        """:param rows: id, certainty, whether several fit, and the chosen contract
        :param proposals: rows of ``saperx.adoption.proposal``
        """
        self.env.cr.execute(
            SQL(
                "DELETE FROM saperx_adoption_proposal WHERE row_id = ANY(%s)",
                [row_id for row_id, *_values in rows],
            )
        )
        columns = (
            "row_id", "company_id", "sequence", "contract_id", "certainty", "evidence",
        )  # fmt: skip
        copy_rows(self.env.cr, "saperx_adoption_proposal", columns, proposals)
        told = [row[:3] for row in rows]
        names = ("certainty", "is_ambiguous")
        update_rows(self.env.cr, "saperx_adoption_row", names, told)
        # What a person set, or chose already, is not taken back.
        update_rows(
            self.env.cr,
            "saperx_adoption_row",
            ("contract_id",),
            [(row_id, contract_id) for row_id, *_told, contract_id in rows],
            SQL(
                "saperx_adoption_row.is_by_hand IS NOT TRUE"
                " AND saperx_adoption_row.is_chosen IS NOT TRUE"
            ),
        )
        self.env["saperx.adoption.row"].invalidate_model()
        self.env["saperx.adoption.proposal"].invalidate_model()
