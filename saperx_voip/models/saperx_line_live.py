# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from concurrent.futures import ThreadPoolExecutor

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying

from ..gateway import GatewayError, Registration, read_registrations

LINES_AT_ONCE = 80
# People wait for it: all of one reading, and one answer of it.
READING_SECONDS = 15
ANSWER_SECONDS = 8


class SaperxLine(models.Model):
    """Registration and balance, read from the platform when somebody asks."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    registration_ids = fields.One2many(
        "saperx.line.registration", "line_id", string="Last reading"
    )
    registration = fields.Json(
        compute="_compute_registration",
        help="As it was last read from the platform.",
    )
    registration_state = fields.Selection(
        [("online", "Online"), ("offline", "Offline")],
        string="Registration when last read",
        compute="_compute_registration",
        search="_search_registration_state",
    )

    @api.depends("registration_ids", "billing_type")
    def _compute_registration(self):
        for line in self:
            row = line.registration_ids
            line.registration = row._get_reading() if row else False
            line.registration_state = (
                ("online" if row.online else "offline") if row.read_at else False
            )

    @api.model
    def _search_registration_state(self, operator, value):
        if operator not in ("in", "not in"):
            return NotImplemented
        rows = self.env["saperx.line.registration"]._search(
            [
                ("read_at", "!=", False),
                ("online", "in", [state == "online" for state in value if state]),
            ]
        )
        known = [("registration_ids", "in", rows)]
        if False in value:
            answered = [("read_at", "!=", False)]
            known = ["|", ("registration_ids", "not any", answered), *known]
        return known if operator == "in" else ["!", *known]

    def _get_balance_label(self):
        """What the platform's *saldo* means for this line: never a bare "balance"."""
        self.ensure_one()
        if self.billing_type == "prepaid":
            return self.env._("Balance left")
        return self.env._("Amount used")

    def read_registrations(self):
        """Ask the platform for registration and balance of up to 80 lines, and keep
        the answers.

        Holds no lock while it asks, and takes no longer than some 15 seconds, whatever
        the platform does.

        :return: a list of dicts: ``id``, ``online`` (None: never read), ``ip``,
            ``latency_ms``, ``balance`` with ``balance_label`` and ``currency_id``,
            ``read_at``, ``changed_at`` (online or offline at least since then; both
            in UTC) and ``error``, why the line was not read now
        :raise AccessError: if one of the lines may not be read
        """
        lines = self[:LINES_AT_ONCE]
        lines.check_access("read")
        outcomes = lines._ask_registrations()
        read_at = fields.Datetime.now()
        # A transaction that begins now: of two people who read the same line at once,
        # neither must ask the platform again.
        with self.env.registry.cursor() as cr:
            lines = lines.with_env(self.env(cr=cr))
            return retrying(
                lambda: lines._keep_registrations(outcomes, read_at), lines.env
            )

    def _keep_registrations(self, outcomes, read_at):
        self.env["saperx.line.registration"]._store(outcomes, read_at)
        return self.mapped("registration")

    @api.model
    def _get_live_client(self, integration):
        """A client of the platform for what people wait for.

        :raise UserError: if the integration is archived or lacks a credential
        """
        if not integration.active:
            raise UserError(
                self.env._(
                    "The integration “%s” is archived: its platform is not asked.",
                    integration.name,
                )
            )
        return integration._get_client()

    def _ask_registrations(self):
        """:return: line id to ``Registration``, or to the text of an error"""
        outcomes, questions = {}, []
        for integration, lines in self.grouped("integration_id").items():
            known = lines.filtered("remote_id")
            unknown = self.env._("The platform does not know this line yet.")
            outcomes.update(dict.fromkeys((lines - known).ids, unknown))
            if not known:
                continue
            try:
                client = self._get_live_client(integration)
            except UserError as error:
                outcomes.update(dict.fromkeys(known.ids, str(error)))
            else:
                questions.append((integration, known, client))
        # From here to the answers nothing of Odoo is touched.
        answers = _ask(
            [
                (client, lines.mapped("remote_id"), integration.parallel_requests)
                for integration, lines, client in questions
            ]
        )
        for (integration, lines, _client), found in zip(
            questions, answers, strict=True
        ):
            for line in lines:
                outcome = found[line.remote_id]
                if isinstance(outcome, GatewayError):
                    outcome = integration._explain(outcome, self.env.user)
                outcomes[line.id] = outcome
        return outcomes


def _ask(questions) -> list[dict[int, Registration | GatewayError]]:
    """Ask several platforms side by side, so that none waits for another."""

    def ask(question):
        client, remote_ids, parallel = question
        with client:
            return read_registrations(
                client,
                remote_ids,
                parallel=parallel,
                seconds=READING_SECONDS,
                answer_seconds=ANSWER_SECONDS,
            )

    if not questions:
        return []
    with ThreadPoolExecutor(len(questions)) as pool:
        return list(pool.map(ask, questions))
