# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import random
import re
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tools import SQL, plaintext2html

from ..forms import tell_forms
from ..gateway import (
    ACCOUNT_TROUBLE,
    SPEAK_SECONDS,
    Conflict,
    GatewayError,
    LineStatus,
    NotUnderstood,
    Pusher,
    PushOutcome,
    RateLimited,
    RequestRefused,
    WantedLine,
)

_logger = logging.getLogger(__name__)

# Longer than the gateway speaks for a line, counted from when it was claimed.
LEASE = timedelta(seconds=SPEAK_SECONDS + 10)
LINES_PER_REQUEST = 8

REFUSED_ACTIVITY = "saperx_voip.mail_activity_refused"

FIRST_PAUSE_SECONDS = 15
LONGEST_PAUSE_SECONDS = 10 * 60


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """A line taken for a push: what is wanted of it, at which revision."""

    line_id: int
    lease: str
    revision: int
    wanted: WantedLine


class SaperxLine(models.Model):
    """Claim, speak, store: how the platform is made to match (design §4)."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _cron_push(self):
        """Push what is due, of every integration; leave the rest for later."""
        integrations = self.env["saperx.integration"].with_context(active_test=False)
        for integration in integrations.search([]):
            if self.search_count(self._domain_due(integration), limit=1):
                self._push_integration(integration)
        self._trigger_next_push()

    @api.model
    def _push_integration(self, integration):
        """Push its due lines as long as the platform answers and there is time."""
        try:
            # Its secrets are read in a transaction that ends here.
            with retrying(integration._get_client, self.env) as client:
                client.ensure_token()
                trouble = self._push_due(integration, client)
        except (GatewayError, UserError) as error:
            trouble = error
        if trouble:
            # Nobody's line is at fault: all of them wait.
            _logger.info("integration %s is left alone: %s", integration.id, trouble)
            retrying(lambda: self._postpone(integration, trouble), self.env)
        else:
            retrying(integration.sudo()._record_success, self.env)

    @api.model
    def _push_due(self, integration, client):
        """Claim lines and store what came of others, while threads speak.

        No transaction is open while this one waits for them.

        :return: what keeps the platform from being asked any further, or why nothing
            was heard of it; None if it answers
        """
        may_claim = True
        with Pusher(client, integration.parallel_requests) as pusher:
            while may_claim or pusher.is_busy:
                if may_claim and pusher.is_hungry:
                    claimed_at = time.monotonic()
                    claims = self._claim_for_push(integration)
                    pusher.add({claim: claim.wanted for claim in claims}, claimed_at)
                    # Lines that somebody holds are no work that could go on at once.
                    may_claim = bool(claims) and bool(
                        self.env["ir.cron"]._commit_progress(
                            len(claims),
                            remaining=self.search_count(self._domain_due(integration)),
                        )
                    )
                if pusher.is_busy:
                    self._conclude(pusher.take())
                may_claim = may_claim and not pusher.trouble
            return pusher.trouble or pusher.silence

    @api.model
    def _retry_waiting(self, integrations):
        """Try again at once what waits after trouble: the platform is back."""
        now = fields.Datetime.now()
        waiting = self.search(
            [
                ("integration_id", "in", integrations.ids),
                ("sync_state", "=", "pending"),
                ("next_sync_at", ">", now),
            ]
        )
        if waiting:
            waiting._write_sync({"next_sync_at": now})
            self._trigger_push()

    @api.model
    def _trigger_next_push(self):
        waiting = self.search(
            [
                *self._domain_waiting(),
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
            *self._domain_waiting(),
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
                self._domain_due(integration),
                order="sync_attempts, next_sync_at, id",
                limit=limit,
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
            self._ask_responsible()
            tell_forms(self)
            return None

    @api.model
    def _conclude(self, outcomes):
        """Store what came of some claims, in short transactions.

        Those lines that nobody holds go together. A line that somebody holds, and
        each of them if the storing failed, has a transaction of its own: none waits
        for another, nor fails with it.
        """
        stored = set()
        if len(outcomes) > 1:
            try:
                stored = retrying(lambda: self._store_unheld(outcomes), self.env)
            except Exception:
                _logger.info("pushes are stored one by one", exc_info=True)
                self.env.cr.rollback()
        for claim, outcome in outcomes:
            if claim not in stored:
                self._conclude_one(claim, outcome)

    @api.model
    def _conclude_one(self, claim, outcome):
        try:
            retrying(
                lambda: self._lock(claim)._store(claim, outcome),
                self.env,
            )
        except Exception as error:  # the other lines must not wait for this one
            _logger.exception("storing the push of line %s failed", claim.line_id)
            self.env.cr.rollback()
            fault = GatewayError(f"{type(error).__name__}: {error}")
            retrying(lambda: self._lock(claim)._set_aside(claim, fault), self.env)

    @api.model
    def _store_unheld(self, outcomes):
        """:return: the claims whose line was not held by another transaction"""
        lines = self.browse([claim.line_id for claim, _outcome in outcomes])
        unheld = lines.try_lock_for_update(allow_referencing=True)
        by_id = {line.id: line for line in unheld}
        stored = set()
        for claim, outcome in outcomes:
            if line := by_id.get(claim.line_id):
                line._store(claim, outcome)
                stored.add(claim)
        return stored

    @api.model
    def _lock(self, claim):
        """The claimed line, once nobody else holds it; nothing if it is gone."""
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM saperx_line WHERE id = %s FOR NO KEY UPDATE",
                claim.line_id,
            )
        )
        return self.browse(line_id for (line_id,) in rows)

    def _is_claimed(self, claim):
        """Whether the line is still ours: a lease that ran out may be another's."""
        return bool(self) and self.lease == claim.lease

    def _set_aside(self, claim, fault):
        """What came of the push cannot be stored: say so, and try again later."""
        if self._is_claimed(claim):
            later = self._prepare_later(fault)
            self._write_sync({"lease": False, "lease_until": False, **later})

    @api.model
    def _postpone(self, integration, error):
        """The platform is out of reach: let every due line of it wait."""
        integration.sudo()._record_error(error)
        due = self.search(self._domain_due(integration))
        alike = due.grouped(lambda line: (line.sync_attempts, line.create_uid.lang))
        for lines in alike.values():
            lines._write_sync(lines[0]._prepare_later(error))

    def _store(self, claim, outcome):
        """Keep what a push learnt, and whether the line is in step now.

        :param outcome: None if the line was not spoken for: it is given back
        """
        if not self._is_claimed(claim):
            return
        line, values = self, {"lease": False, "lease_until": False}
        if outcome is None:
            line._write_sync(values)
            return
        values |= self._learnt(line, outcome)
        holder = line._find_other_with_code(outcome.account_code)
        current = line.revision == claim.revision
        if outcome.error is None and outcome.question is None:
            values["pushed_revision"] = claim.revision
            if current and holder:
                values |= {
                    "sync_state": "error",
                    "sync_error": line._explain_code(outcome.account_code, holder),
                    "next_sync_at": False,
                }
            elif current:
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
        tell_forms(line)

    @api.model
    def _learnt(self, line, outcome: PushOutcome):
        values = {}
        if outcome.remote_id:
            values["remote_id"] = outcome.remote_id
        code = outcome.account_code or ""
        if re.fullmatch(r"[0-9]{6}", code) and not line.account_code:
            if not line._find_other_with_code(code):
                values["account_code"] = code
        if outcome.plan_description:
            values["plan_description"] = outcome.plan_description
        if outcome.question:
            values["asked_status"] = outcome.question.value
        elif outcome.status:
            values |= {"pushed_status": outcome.status.value, "asked_status": False}
        return values

    def _find_other_with_code(self, code):
        """The other live line here that has the code which this one still lacks."""
        self.ensure_one()
        if self.account_code or not code or self.state == "cancelled":
            return self.browse()
        return self.search(
            [
                ("integration_id", "=", self.integration_id.id),
                ("account_code", "=", code),
                ("state", "!=", "cancelled"),
                ("id", "!=", self.id),
            ],
            limit=1,
        )

    def _explain_code(self, code, holder):
        line = self.with_context(lang=self.create_uid.lang)
        return line.env._(
            "The platform gave the account code %(code)s, which here is that of the "
            "line %(holder)s. Correct one of them, and try again.",
            code=code,
            holder=holder.display_name,
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
            # Or one that let it go since, while we were being refused.
            claimed_at = line.lease_until - LEASE
            return any(
                holder.sync_state == "pending" or holder.write_date >= claimed_at
                for holder in holders
            )
        # What is no word of the platform on this line, such as a proxy's page, or
        # credentials that were changed there, is not for the line to wait upon.
        return isinstance(error, (*ACCOUNT_TROUBLE, NotUnderstood)) or (
            error is not None and error.transient
        )

    def _prepare_later(self, error):
        """Values that let the line wait: longer each time, never for ever."""
        self.ensure_one()
        asked = error.retry_after if isinstance(error, RateLimited) else None
        attempts = self.sync_attempts
        if asked is None:
            longest = FIRST_PAUSE_SECONDS * 2 ** min(attempts, 10)
            pause = min(longest, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)
            attempts += 1
        else:
            # To keep to the platform's own pause is no failed attempt: a backlog at
            # the rate that it allows must not slow down more and more.
            pause = max(asked, 1.0) * random.uniform(1.0, 1.5)
        return {
            "sync_error": self.integration_id.sudo()._explain(error, self.create_uid),
            "sync_attempts": attempts,
            "next_sync_at": fields.Datetime.now() + timedelta(seconds=pause),
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
                "and here it is to be “%(here)s”. The status was left as it is there: "
                "try again to set it as it is here, or block, unblock or switch the "
                "line here.",
                **names,
            )
        if isinstance(outcome.error, RequestRefused):
            return line.env._(
                "The platform refused the line: %s. Correct it and save, or try again.",
                outcome.error,
            )
        return self.integration_id.sudo()._explain(outcome.error, self.create_uid)

    def _ask_responsible(self):
        """One open activity for whoever answers for the line."""
        self.ensure_one()
        self.activity_unlink([REFUSED_ACTIVITY])
        user = self._get_responsible()
        if user:
            self.activity_schedule(
                REFUSED_ACTIVITY,
                note=plaintext2html(self.sync_error),
                user_id=user.id,
            )

    def _get_responsible(self):
        """Whoever answers for the contract, or made the line, and may look at it."""
        self.ensure_one()
        for user in (self.contract_id.user_id, self.create_uid):
            may_look = user.active and self.company_id in user.company_ids
            if may_look and user.has_group("saperx_voip.group_user"):
                return user
        return self.env["res.users"]
