# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import random
import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tools import SQL, plaintext2html

from ..gateway import (
    Client,
    Conflict,
    DidTerms,
    GatewayError,
    LineSettings,
    LineStatus,
    Progress,
    PushOutcome,
    RateLimited,
    RequestRefused,
    Unreachable,
    WantedLine,
    begin_push,
    finish_push,
)
from .saperx_line_terms import TERMS

_logger = logging.getLogger(__name__)

# A batch must end before its lease does: lines that were not begun within the
# budget are left for the next batch, and each half of a line has its deadline.
LEASE = timedelta(seconds=90)
BATCH_BUDGET_SECONDS = 30
HALF_DEADLINE_SECONDS = 25
LINES_PER_REQUEST = 8

REFUSED_ACTIVITY = "saperx_voip.mail_activity_refused"

FIRST_PAUSE_SECONDS = 30
LONGEST_PAUSE_SECONDS = 30 * 60

PUSHED_FIELDS = {
    *TERMS,
    "account_code", "contract_id", "is_active", "password", "portability", "state",
} - {"tariff_id"}  # fmt: skip


# Written by the push alone, through ``_write_sync``.
OWN_FIELDS = {
    "asked_status", "block_level", "lease", "lease_until", "next_sync_at",
    "password_revision",
    "pushed_revision", "pushed_status", "reference", "remote_id", "revision",
    "sync_attempts", "sync_error", "sync_state", "was_claimed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """A line taken for a push: what is wanted of it, at which revision."""

    line_id: int
    lease: str
    revision: int
    wanted: WantedLine


class SaperxLine(models.Model):
    """Claim, speak, store: how the platform is made to match (design §4)."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    revision = fields.Integer(default=0, readonly=True, copy=False)
    pushed_revision = fields.Integer(default=0, readonly=True, copy=False)
    password_revision = fields.Integer(
        default=0, readonly=True, copy=False, help="At which the password was changed."
    )
    sync_state = fields.Selection(
        [("pending", "Waiting"), ("synced", "In step"), ("error", "Refused")],
        string="Platform",
        required=True,
        readonly=True,
        copy=False,
        default="pending",
        index=True,
    )
    sync_error = fields.Text(string="Trouble", readonly=True, copy=False)
    sync_attempts = fields.Integer(readonly=True, copy=False)
    next_sync_at = fields.Datetime(string="Next attempt", readonly=True, copy=False)
    pushed_status = fields.Selection(
        [
            ("inactive", "Inactive"),
            ("blocked", "Blocked"),
            ("partially_blocked", "Partially blocked"),
            ("active", "Active"),
        ],
        string="Status on the platform",
        readonly=True,
        copy=False,
        help="As the platform last confirmed it.",
    )
    asked_status = fields.Char(
        readonly=True,
        copy=False,
        help="What somebody set on the platform's panel, and we asked about.",
    )
    was_claimed = fields.Boolean(
        readonly=True, copy=False, help="The platform may know of the line."
    )
    lease = fields.Char(readonly=True, copy=False)
    lease_until = fields.Datetime(readonly=True, copy=False)

    _due_for_push = models.Index("(next_sync_at) WHERE sync_state = 'pending'")

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [
            {name: value for name, value in vals.items() if name not in OWN_FIELDS}
            for vals in vals_list
        ]
        lines = super().create(vals_list)
        lines._raise_revision()
        for line, vals in zip(lines, vals_list, strict=True):
            if vals.get("password"):
                line._write_sync({"password_revision": line.revision})
        return lines

    def write(self, vals):
        if OWN_FIELDS & vals.keys():
            raise UserError(
                self.env._(
                    "%s are kept by the push itself and cannot be written.",
                    ", ".join(sorted(OWN_FIELDS & vals.keys())),
                )
            )
        res = super().write(vals)
        if PUSHED_FIELDS & vals.keys():
            self._raise_revision()
        if "password" in vals:
            for line in self:
                line._write_sync({"password_revision": line.revision})
        return res

    def _write_sync(self, values):
        """Write what only the push keeps: no new revision comes of it."""
        return super().write(values)

    def _raise_revision(self):
        """Something that the platform must learn has changed, in this transaction."""
        now = fields.Datetime.now()
        for line in self.filtered(lambda line: line.state != "draft"):
            line._write_sync(
                {
                    "revision": line.revision + 1,
                    "sync_state": "pending",
                    "sync_error": False,
                    "sync_attempts": 0,
                    "next_sync_at": now,
                }
            )
        self._trigger_push()

    @api.model
    def _trigger_push(self, at=None):
        self.env.ref("saperx_voip.ir_cron_push").sudo()._trigger(at)

    def action_retry_push(self):
        """*Tentar de novo*: as if the line had been changed just now.

        After a question it is the answer: we know of the status there, and go on.
        """
        self.check_access("write")
        for line in self.filtered("asked_status"):
            line._write_sync(
                {"pushed_status": line.asked_status, "asked_status": False}
            )
        self._raise_revision()

    @api.model
    def get_sync_counts(self):
        """:return: how many lines wait for the platform, and how many it refused"""
        counts = {"pending": 0, "error": 0}
        for state, count in self._read_group(
            [("sync_state", "in", list(counts)), ("integration_id.active", "=", True)],
            ["sync_state"],
            ["__count"],
        ):
            counts[state] = count
        return counts

    @api.model
    def _cron_push(self):
        """Push what is due, of every integration; leave the rest for later."""
        for integration in self.env["saperx.integration"].search([]):
            while claims := self._claim_for_push(integration):
                done = self._push_claims(integration, claims)
                remaining = self.search_count(self._domain_due(integration))
                time_left = self.env["ir.cron"]._commit_progress(
                    done, remaining=remaining
                )
                if not (done and time_left):
                    break
        self._trigger_next_push()

    @api.model
    def _trigger_next_push(self):
        waiting = self.search(
            [
                ("sync_state", "=", "pending"),
                ("integration_id.active", "=", True),
                ("next_sync_at", "!=", False),
            ],
            order="next_sync_at",
            limit=1,
        )
        if waiting:
            soonest = max(waiting.next_sync_at, waiting.lease_until or datetime.min)
            self._trigger_push(max(soonest, fields.Datetime.now()))

    @api.model
    def _domain_due(self, integration):
        now = fields.Datetime.now()
        return [
            ("integration_id", "=", integration.id),
            ("sync_state", "=", "pending"),
            ("next_sync_at", "<=", now),
            "|",
            ("lease_until", "=", False),
            ("lease_until", "<=", now),
        ]

    @api.model
    def _claim_for_push(self, integration):
        """Take due lines under a lease, and commit: nobody else pushes them now."""
        limit = integration.parallel_requests * LINES_PER_REQUEST

        def claim():
            lines = self.search(
                self._domain_due(integration), order="next_sync_at, id", limit=limit
            ).try_lock_for_update(allow_referencing=True)
            lease = str(uuid.uuid4())
            lines._write_sync(
                {
                    "lease": lease,
                    "lease_until": fields.Datetime.now() + LEASE,
                    "was_claimed": True,
                }
            )
            return [
                Claim(line.id, lease, line.revision, wanted)
                for line in lines
                if (wanted := line._get_wanted_line_or_explain())
            ]

        return retrying(claim, self.env)

    def _get_wanted_line_or_explain(self):
        """The snapshot; a line that has none (its password cannot be read) says so
        and does not hold up the others."""
        try:
            return self._get_wanted_line()
        except UserError as error:
            self._write_sync(
                {
                    "lease": False,
                    "lease_until": False,
                    "sync_state": "error",
                    "sync_error": str(error),
                    "next_sync_at": False,
                }
            )
            return None

    @api.model
    def _push_claims(self, integration, claims):
        """Speak for the claimed lines with no transaction open, then store.

        :return: how many lines were spoken for
        """
        outcomes, down = {}, None
        try:
            # Its secrets are read in a transaction that ends here.
            with retrying(integration._get_client, self.env) as client:
                client.ensure_token()
                outcomes, down = _speak(client, claims, integration.parallel_requests)
        except (GatewayError, UserError) as error:
            # Nobody's line is at fault: all of them wait.
            _logger.info("integration %s does not answer: %s", integration.id, error)
            down = error
        for claim in claims:
            self._conclude(claim, outcomes.get(claim.line_id))
        if down:
            retrying(lambda: self._postpone(integration, down), self.env)
        else:
            retrying(integration.sudo()._record_success, self.env)
        return len(outcomes)

    @api.model
    def _conclude(self, claim, outcome):
        """Store one line's outcome, or give the line back, in its own transaction."""
        try:
            if outcome:
                retrying(lambda: self._store(claim, outcome), self.env)
            else:
                retrying(lambda: self._give_back(claim), self.env)
        except Exception as error:  # the other lines must not wait for this one
            _logger.exception("storing the push of line %s failed", claim.line_id)
            self.env.cr.rollback()
            fault = GatewayError(f"{type(error).__name__}: {error}")
            retrying(lambda: self._set_aside(claim, fault), self.env)

    def _set_aside(self, claim, fault):
        """What came of the push cannot be stored: say so, and try again later."""
        line = self._lock_claimed(claim)
        if line:
            later = line._prepare_later(fault)
            line._write_sync({"lease": False, "lease_until": False, **later})

    def _give_back(self, claim):
        line = self._lock_claimed(claim)
        line._write_sync({"lease": False, "lease_until": False})

    @api.model
    def _postpone(self, integration, error):
        """The platform is out of reach: let every due line of it wait."""
        integration.sudo()._record_error(error)
        for line in self.search(self._domain_due(integration)):
            line._write_sync(line._prepare_later(error))

    def _lock_claimed(self, claim):
        """The line if it is still ours, locked; else nothing."""
        line = self.browse(claim.line_id)
        self.env.execute_query(
            SQL("SELECT id FROM saperx_line WHERE id = %s FOR NO KEY UPDATE", line.id)
        )
        return line.exists().filtered(lambda line: line.lease == claim.lease)

    @api.model
    def _store(self, claim, outcome):
        """Keep what a push learnt, and whether the line is in step now."""
        line = self._lock_claimed(claim)
        if not line:
            return
        values = {"lease": False, "lease_until": False, **self._learnt(line, outcome)}
        current = line.revision == claim.revision
        if outcome.error is None and outcome.question is None:
            values["pushed_revision"] = claim.revision
            if current:
                values |= {
                    "sync_state": "synced",
                    "sync_error": False,
                    "sync_attempts": 0,
                    "next_sync_at": False,
                }
        elif current and self._is_passing(line, outcome):
            values |= line._prepare_later(outcome.error)
        elif current:
            values |= {
                "sync_state": "error",
                "sync_error": line._explain_refusal(outcome),
                "sync_attempts": line.sync_attempts + 1,
                "next_sync_at": False,
            }
        was_asked = bool(line.activity_ids)
        line._write_sync(values)
        if line.sync_state == "error":
            line._ask_responsible()
        elif line.sync_state == "synced" and was_asked:
            line.activity_unlink([REFUSED_ACTIVITY])
        line._learn_places(outcome.dids)
        line._notify_changed()

    @api.model
    def _learnt(self, line, outcome: PushOutcome):
        values = {}
        if outcome.remote_id:
            values["remote_id"] = outcome.remote_id
        code = outcome.account_code or ""
        if re.fullmatch(r"[0-9]{6}", code) and not line.account_code:
            # One that another line here has stays with that line, until somebody
            # has seen to it.
            if not line._find_account_code(code):
                values["account_code"] = code
        if outcome.plan_description:
            values["plan_description"] = outcome.plan_description
        if outcome.question:
            values["asked_status"] = outcome.question.value
        elif outcome.status:
            values |= {"pushed_status": outcome.status.value, "asked_status": False}
        return values

    def _find_account_code(self, code):
        self.ensure_one()
        return self.search(
            [
                ("integration_id", "=", self.integration_id.id),
                ("account_code", "=", code),
                ("state", "!=", "cancelled"),
                ("id", "!=", self.id),
            ],
            limit=1,
        )

    def _learn_places(self, remote_dids):
        """Where the platform says that the numbers belong."""
        told = {did.number: did for did in remote_dids if did.city}
        for did in self.did_ids:
            remote = told.get(did.number)
            place = remote and {"city": remote.city, "state_code": remote.state_code}
            if place and any(did[name] != value for name, value in place.items()):
                did.write(place)

    @api.model
    def _is_passing(self, line, outcome):
        """Whether trying again may help without anybody changing anything."""
        error = outcome.error
        if isinstance(error, Conflict) and outcome.conflicting_number:
            # Another line of ours that still has to let the number go.
            holdings = self.env["saperx.did"].with_context(active_test=False)
            holders = holdings.search(
                [
                    ("integration_id", "=", line.integration_id.id),
                    ("number", "=", outcome.conflicting_number),
                    ("line_id", "!=", line.id),
                ]
            ).line_id
            return "pending" in holders.mapped("sync_state")
        return error is not None and error.transient

    def _prepare_later(self, error):
        """Values that let the line wait: longer each time, never for ever."""
        self.ensure_one()
        asked = error.retry_after if isinstance(error, RateLimited) else None
        pause = min(
            FIRST_PAUSE_SECONDS * 2 ** min(self.sync_attempts, 10),
            LONGEST_PAUSE_SECONDS,
        ) * random.uniform(0.5, 1.0)
        return {
            "sync_error": self.integration_id.sudo()._explain(error, self.create_uid),
            "sync_attempts": self.sync_attempts + 1,
            "next_sync_at": fields.Datetime.now()
            + timedelta(seconds=max(pause, asked or 0)),
        }

    def _explain_refusal(self, outcome):
        self.ensure_one()
        line = self.with_context(lang=self.create_uid.lang)
        if outcome.question:
            field = self._fields["pushed_status"]
            status = dict(field._description_selection(line.env))
            names = {
                "there": status[LineStatus(outcome.question).value],
                "here": status[line._get_wanted_status().value],
            }
            return line.env._(
                "Somebody set this line to “%(there)s” on the platform's own panel, "
                "and here it is to be “%(here)s”. Nothing was changed: try again to "
                "set it as it is here, or block, unblock or switch the line here.",
                **names,
            )
        if isinstance(outcome.error, RequestRefused):
            return line.env._(
                "The platform refused the line: %s. Correct it and save, or try again.",
                outcome.error,
            )
        return self.integration_id.sudo()._explain(outcome.error, self.create_uid)

    def _ask_responsible(self):
        """One open activity for whoever answers for the contract and may look."""
        self.ensure_one()
        self.activity_unlink([REFUSED_ACTIVITY])
        for user in (self.contract_id.user_id, self.create_uid):
            if user.active and user.has_group("saperx_voip.group_user"):
                self.activity_schedule(
                    REFUSED_ACTIVITY,
                    note=plaintext2html(self.sync_error),
                    user_id=user.id,
                )
                break

    def _notify_changed(self):
        """Let open forms of the line show what came of the push."""
        for line in self:
            self.env["bus.bus"]._sendone(
                f"{line._name}_{line.id}", "saperx_record_changed", {"id": line.id}
            )

    def _get_wanted_status(self):
        self.ensure_one()
        if self.state != "active":
            return LineStatus.INACTIVE
        if self.block_level:
            return LineStatus(
                self.integration_id._get_status_of_block(self.block_level)
            )
        return LineStatus.ACTIVE

    def _get_wanted_line(self):
        """A snapshot of all that is wanted of the line, for the gateway."""
        self.ensure_one()
        line = self.sudo()
        return WantedLine(
            settings=line._get_wanted_settings(),
            status=line._get_wanted_status(),
            dids=tuple(
                DidTerms(
                    number=did.number,
                    monthly_fee=Decimal(f"{did.monthly_fee:.2f}"),
                    accept_collect_calls=did.accept_collect_calls,
                )
                for did in line.did_ids.filtered("is_live")
            ),
            remote_id=line.remote_id or None,
            pushed_status=LineStatus(line.pushed_status)
            if line.pushed_status
            else None,
            final=line.state == "cancelled",
            released=tuple(line._get_released_numbers()),
            password=line._get_secret("password"),
        )

    def _get_released_numbers(self):
        """Numbers that this line had; on a cancelled line, all that it ever had."""
        self.ensure_one()
        holdings = self.env["saperx.did"].with_context(active_test=False)
        released = holdings.search([("line_id", "=", self.id), ("active", "=", False)])
        return sorted(set(released.mapped("number")))

    def _get_wanted_settings(self):
        self.ensure_one()
        new_password = self.password_revision > self.pushed_revision
        return LineSettings(
            reference=self.reference,
            customer_name=self.partner_id.name or "",
            customer_document=self._get_customer_document(),
            account_code=self.account_code or None,
            plan_remote_id=self.plan_id.remote_id,
            international_plan_remote_id=self.international_plan_id.remote_id or None,
            group_remote_id=self.group_id.remote_id or None,
            closing_day=self.closing_day,
            billing_type=self.billing_type,
            route=self.route,
            portability=self.portability,
            caller_id=self.caller_id,
            allow_lc=self.allow_lc,
            allow_ldn=self.allow_ldn,
            allow_ldi=self.allow_ldi,
            allow_vc1=self.allow_vc1,
            allow_vc2=self.allow_vc2,
            allow_vc3=self.allow_vc3,
            simultaneous_calls=self.simultaneous_calls or None,
            credit_limit=Decimal(f"{self.credit_limit:.2f}")
            if self.credit_limit
            else None,
            password=self._get_secret("password") if new_password else None,
        )

    def _get_customer_document(self):
        """CPF (11) or CNPJ (14 characters), or None where the customer has neither."""
        document = re.sub(r"\W", "", self.partner_id.commercial_partner_id.vat or "")
        document = document.removeprefix("BR")
        return document if len(document) in (11, 14) and document.isdigit() else None


def _our_fault(error):
    return GatewayError(f"{type(error).__name__} while preparing the request")


def _speak(client: Client, claims, parallel):
    """Make the platform match, several lines at once; knows nothing of Odoo.

    All lines let go of numbers before any takes one. Once as many lines as are
    spoken for at a time found no answer, and none did, the rest is left alone.

    :return: outcomes by line id of the lines that were spoken for, and the error if
        the platform is down
    """
    began = time.monotonic()
    unanswered, answered = [], threading.Event()

    def first_half(claim):
        is_down = len(unanswered) >= parallel and not answered.is_set()
        if is_down or time.monotonic() - began > BATCH_BUDGET_SECONDS:
            return None
        with client.deadline(HALF_DEADLINE_SECONDS):
            try:
                progress = begin_push(client, claim.wanted)
            except Exception as error:  # a fault of ours must not stop other lines
                _logger.exception("pushing line %s failed", claim.line_id)
                progress = Progress(claim.wanted, error=_our_fault(error))
        if isinstance(progress.error, Unreachable):
            unanswered.append(progress.error)
        else:
            answered.set()
        return progress

    def second_half(progress):
        with client.deadline(HALF_DEADLINE_SECONDS):
            try:
                return finish_push(client, progress)
            except Exception as error:  # as above
                _logger.exception("pushing a line's numbers failed")
                return PushOutcome(error=_our_fault(error))

    with ThreadPoolExecutor(parallel) as pool:
        begun = {
            claim.line_id: progress
            for claim, progress in zip(
                claims, pool.map(first_half, claims), strict=True
            )
            if progress is not None
        }
        outcomes = dict(zip(begun, pool.map(second_half, begun.values()), strict=True))
    is_down = unanswered and not answered.is_set()
    return outcomes, unanswered[0] if is_down else None
