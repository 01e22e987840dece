# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_amount, format_datetime

from ..gateway import Direction, LastCalls, Outcome, known_call_class, read_last_calls
from ..number_masking import SEES_HIDDEN
from ..rating import classify, normalise

LAST_CALLS = 20
CALLS_SECONDS = 15
# Share of the credit limit from which it is worth a word.
NEARLY_USED = 0.8
# So many outgoing calls in a row without an answer are no accident.
SUSPICIOUS_FAILURES = 3
SLOW_LATENCY_MS = 150

# As the platform and the guide call them, in any language.
PERMISSIONS = {
    "allow_lc": "LC",
    "allow_ldn": "LDN",
    "allow_ldi": "LDI",
    "allow_vc1": "VC1",
    "allow_vc2": "VC2",
    "allow_vc3": "VC3",
}


class SaperxLine(models.Model):
    """*Diagnóstico da linha*: why a line does not work, at a glance.

    Each part is a dict: ``name``, ``title``, ``level`` (good, warning, bad, unknown),
    ``sentence``, ``facts`` (label and value) and ``advice`` (likely causes).
    """

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    def action_diagnose(self):
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.client",
            "tag": "saperx_line_diagnosis",
            "target": "new",
            "name": self.env._("Diagnosis of the line"),
            "params": {
                "line_id": self.id,
                "line": self.display_name,
                "balance_label": self._get_balance_label(),
            },
        }

    def diagnose(self):
        """The parts that Odoo knows by itself: at once, whatever the platform does."""
        self.ensure_one()
        self.check_access("read")
        return [
            self._diagnose_state(),
            self._diagnose_permissions(),
            self._diagnose_limits(),
            self._diagnose_numbers(),
        ]

    def diagnose_registration(self):
        """The parts *registration* and *balance*, read now; see ``diagnose``."""
        self.ensure_one()
        (reading,) = self.read_registrations()
        return [self._diagnose_registration(reading), self._diagnose_balance(reading)]

    def diagnose_calls(self):
        """The last calls, read now.

        :return: a part (see ``diagnose``) with ``calls``: dicts of ``id``, ``start``
            (in the account's time zone), ``direction``, ``other_party``,
            ``talk_seconds``, ``outcome``, ``outcome_code`` and ``call_class``
        """
        self.ensure_one()
        self.check_access("read")
        part = self._prepare_part("calls", self.env._("Last calls"))
        if not self.remote_id:
            part["sentence"] = self.env._("The platform does not know this line yet.")
            return part
        try:
            with self._get_live_client(self.integration_id) as client:
                found = read_last_calls(
                    client,
                    self.remote_id,
                    now=fields.Datetime.now(),
                    count=LAST_CALLS,
                    seconds=CALLS_SECONDS,
                )
        except UserError as error:
            part["sentence"] = str(error)
            return part
        return self._diagnose_calls(part, found)

    @api.model
    def _prepare_part(self, name, title, level="unknown", sentence="", **more):
        return {
            "name": name,
            "title": title,
            "level": level,
            "sentence": sentence,
            "facts": [],
            "advice": [],
            **more,
        }

    @api.model
    def _prepare_facts(self, *facts):
        """:param facts: pairs of label and value; those without a value are left out"""
        return [{"label": label, "value": value} for label, value in facts if value]

    def _label_of(self, name):
        """What the selection field ``name`` says, in the user's language."""
        field = self._fields[name]
        return dict(field._description_selection(self.env)).get(self[name], "")

    def _diagnose_state(self):
        part = self._prepare_part("state", self.env._("State and platform"))
        part["facts"] = self._prepare_facts(
            (self.env._("State"), self._label_of("state")),
            (self.env._("Platform"), self._label_of("sync_state")),
            (self.env._("Status on the platform"), self._label_of("pushed_status")),
            (
                self.env._("Revision"),
                self.env._(
                    "%(ours)s, on the platform %(theirs)s",
                    ours=self.revision,
                    theirs=self.pushed_revision,
                ),
            ),
            (self.env._("Trouble"), self.sync_error),
            (
                self.env._("Next attempt"),
                self.next_sync_at and format_datetime(self.env, self.next_sync_at),
            ),
        )
        level, sentence, advice = self._judge_state()
        part |= {"level": level, "sentence": sentence, "advice": advice}
        return part

    def _judge_state(self):
        """:return: level, sentence, likely causes"""
        if self.state == "cancelled":
            return "bad", self.env._("The line was cancelled: it makes no calls."), []
        if self.state != "active":
            return (
                "bad",
                self.env._("The line is switched off: the platform refuses its calls."),
                [self.env._("Line off: switch “Line active” on if it should work.")],
            )
        if self.block_level:
            return (
                "bad",
                self.env._("The line is blocked: %s.", self.block_summary),
                [self.env._("Blocked here: lift the block if the line should work.")],
            )
        if self.sync_state == "error":
            return (
                "bad",
                self.env._("The platform refused what was last changed on the line."),
                [
                    self.env._(
                        "Refused by the platform: what is set here is not what works "
                        "there. Correct the line and save, or try again."
                    )
                ],
            )
        if self.sync_state == "pending":
            return (
                "warning",
                self.env._("The last change has not reached the platform yet."),
                [
                    self.env._(
                        "Change on its way: a new password, number or permission works "
                        "only once the platform has it."
                    )
                ],
            )
        if self.pushed_status and self.pushed_status != "active":
            return (
                "bad",
                self.env._(
                    "The line is “%s” on the platform.", self._label_of("pushed_status")
                ),
                [self.env._("Blocked on the platform: calls are refused there.")],
            )
        return "good", self.env._("The line is active and the platform agrees."), []

    def _diagnose_permissions(self):
        part = self._prepare_part("permissions", self.env._("Permissions"))
        explained = {
            "allow_lc": self.env._("no calls to fixed lines nearby"),
            "allow_ldn": self.env._("no calls to distant fixed lines"),
            "allow_ldi": self.env._("no international calls"),
            "allow_vc1": self.env._("no calls to mobiles nearby"),
            "allow_vc2": self.env._("no calls to mobiles of the same region"),
            "allow_vc3": self.env._("no calls to mobiles far away"),
        }
        denied = [
            (PERMISSIONS[name], text)
            for name, text in explained.items()
            if not self[name]
        ]
        if not self.caller_id:
            label = self._fields["caller_id"].get_description(self.env)["string"]
            denied.append((label, self.env._("the number is not shown when calling")))
        part["facts"] = self._prepare_facts(*denied)
        if not denied:
            part |= {
                "level": "good",
                "sentence": self.env._("Nothing is denied to the line."),
            }
        elif [label for label, _text in denied] == ["LDI"]:
            part |= {
                "level": "good",
                "sentence": self.env._("Only international calls are denied."),
            }
        else:
            names = ", ".join(label for label, _text in denied)
            part |= {
                "level": "warning",
                "sentence": self.env._("Denied to the line: %s.", names),
                "advice": [
                    self.env._(
                        "Some calls fail and others do not: the line lacks the "
                        "permission for %s.",
                        names,
                    )
                ],
            }
        return part

    def _diagnose_limits(self):
        credit = (
            format_amount(self.env, self.credit_limit, self.currency_id)
            if self.credit_limit
            else self.env._("None")
        )
        part = self._prepare_part(
            "limits",
            self.env._("Limits"),
            level="good",
            sentence=self.env._(
                "The line makes up to %s calls at a time.", self.simultaneous_calls
            ),
            facts=self._prepare_facts((self.env._("Credit limit"), credit)),
        )
        if self.simultaneous_calls == 1:
            part |= {
                "sentence": self.env._("The line makes one call at a time."),
                "advice": [
                    self.env._(
                        "“Busy” for callers: the line takes one call at a time. Raise "
                        "the simultaneous call limit if two are needed."
                    )
                ],
            }
        return part

    def _diagnose_numbers(self):
        dids = self.did_ids.filtered("active")
        format_number = self.env["saperx.did"]._format_number
        part = self._prepare_part("numbers", self.env._("Numbers"))
        if not dids:
            return part | {
                "level": "warning",
                "sentence": self.env._("The line has no number."),
                "advice": [
                    self.env._(
                        "Nobody can call the line: it has no number. Add one in the "
                        "tab “DIDs”."
                    )
                ],
            }
        return part | {
            "level": "good",
            "sentence": ", ".join(format_number(did.number) for did in dids),
        }

    def _diagnose_registration(self, reading):
        part = self._prepare_part("registration", self.env._("Registration"))
        if reading["error"]:
            part["sentence"] = reading["error"]
            part["facts"] = self._prepare_facts(
                (self.env._("Last answer"), self._tell_last_answer(reading))
            )
            if self.remote_id:
                part["advice"] = [
                    self.env._(
                        "Platform out of reach: if other lines cannot be read either, "
                        "the trouble is not this customer's."
                    )
                ]
            return part
        part["facts"] = self._prepare_facts(
            (self.env._("IP address"), reading["ip"]),
            (
                self.env._("Latency"),
                reading["latency_ms"] is not None and f"{reading['latency_ms']} ms",
            ),
            (
                self.env._("Online at least since")
                if reading["online"]
                else self.env._("Offline at least since"),
                self._format_reading_moment(reading["changed_at"]),
            ),
        )
        if not reading["online"]:
            part |= {
                "level": "bad",
                "sentence": self.env._("The equipment is not registered."),
                "advice": [
                    self.env._(
                        "Offline: equipment without power or internet, or with a wrong "
                        "password or server: compare it with “Data for the ATA”."
                    )
                ],
            }
        elif (reading["latency_ms"] or 0) > SLOW_LATENCY_MS:
            part |= {
                "level": "warning",
                "sentence": self.env._("The equipment is registered, but far away."),
                "advice": [
                    self.env._(
                        "High latency: a choppy voice points to the customer's "
                        "internet or Wi-Fi."
                    )
                ],
            }
        else:
            part |= {
                "level": "good",
                "sentence": self.env._("The equipment is registered."),
            }
        return part

    def _tell_last_answer(self, reading):
        """What the last reading that succeeded said, and when; None if none did."""
        if not reading["read_at"]:
            return None
        state = self._label_of("registration_state")
        return f"{state}, {self._format_reading_moment(reading['read_at'])}"

    def _format_reading_moment(self, text):
        return format_datetime(self.env, fields.Datetime.to_datetime(text))

    def _diagnose_balance(self, reading):
        part = self._prepare_part("balance", reading["balance_label"])
        balance = reading["balance"]
        if balance is None or reading["error"]:
            part["sentence"] = self.env._("The platform did not tell it.")
            return part
        part |= {
            "level": "good",
            "sentence": format_amount(self.env, balance, self.currency_id),
        }
        if self.billing_type == "prepaid" and balance <= 0:
            part |= {
                "level": "bad",
                "advice": [
                    self.env._(
                        "No balance left: a prepaid line without it makes no paid "
                        "calls."
                    )
                ],
            }
        elif self.billing_type == "postpaid" and self.credit_limit:
            if balance >= self.credit_limit:
                part |= {
                    "level": "bad",
                    "advice": [
                        self.env._(
                            "Credit limit reached: the platform refuses paid calls "
                            "until the limit is raised or the cycle ends."
                        )
                    ],
                }
            elif balance >= NEARLY_USED * self.credit_limit:
                part |= {
                    "level": "warning",
                    "advice": [self.env._("The credit limit is nearly used up.")],
                }
        return part

    def _diagnose_calls(self, part, found: LastCalls):
        services = self.env["saperx.service.number"]._get_active(self.company_id)
        if not self.env.user.has_groups(SEES_HIDDEN):
            shown = [
                call for call in found.calls if not self._is_hidden(call, services)
            ]
            found = replace(found, calls=tuple(shown))
        part["calls"] = [self._prepare_call(call, services) for call in found.calls]
        if found.error is not None:
            part["sentence"] = self.integration_id._explain(found.error, self.env.user)
            return part
        if not found.calls:
            part["sentence"] = self.env._("No call in the last 30 days.")
        else:
            part |= {
                "level": "good",
                "sentence": self.env._(
                    "The last call began on %s.", part["calls"][0]["start"]
                ),
            }
        if found.unreadable:
            part["facts"] = self._prepare_facts(
                (self.env._("Calls that could not be read"), found.unreadable)
            )
        part |= self._judge_outgoing(found.calls)
        return part

    def _judge_outgoing(self, calls):
        """:return: what the last outgoing calls tell, as items of a part"""
        outgoing = [call for call in calls if call.direction == Direction.OUTGOING]
        last = outgoing[:SUSPICIOUS_FAILURES]
        if len(last) < SUSPICIOUS_FAILURES or any(
            call.outcome != Outcome.FAILED for call in last
        ):
            return {}
        return {
            "level": "bad",
            "sentence": self.env._("The last outgoing calls all failed."),
            "advice": [
                self.env._(
                    "Outgoing calls fail: look at the permissions, the balance and "
                    "the credit limit above, then ask the platform."
                )
            ],
        }

    def _prepare_call(self, call, services):
        call_model = self.env["saperx.cdr"]

        def label(name, value):
            field = call_model._fields[name]
            return dict(field._description_selection(self.env)).get(value, value)

        outgoing = call.direction == Direction.OUTGOING
        other = call.callee if outgoing else call.caller
        return {
            "id": call.remote_id,
            "start": format_datetime(
                self.env, call.start, tz=self.integration_id.timezone
            ),
            "direction": label("direction", call.direction.value),
            "other_party": self._show_number(other, services),
            "talk_seconds": call.talk_seconds,
            "outcome": label("outcome", call.outcome.value),
            "outcome_code": call.outcome.value,
            "call_class": label("call_class", known_call_class(call.platform_class))
            or call.platform_class
            or "",
        }

    def _show_number(self, text, services):
        """The other party of a call that is not stored, as the user may see it.

        :param text: as the platform sent it
        :param services: the ``saperx.service.number`` that count for the line
        """
        digits, own_class = self._read_number(text, services)
        call_model = self.env["saperx.cdr"]
        return call_model._get_mask(digits, own_class, services)(text)

    def _is_hidden(self, call, services):
        """Whether a call that is not stored was with a service that is hidden."""
        outgoing = call.direction == Direction.OUTGOING
        other = call.callee if outgoing else call.caller
        return services._hides(*self._read_number(other, services))

    def _read_number(self, text, services):
        """:return: digits as rates match them, and the class that they tell"""
        area_code = normalise(self.main_number or "", None).area_code
        number = normalise(text, area_code, services._as_table())
        return number.digits, classify(number, area_code=area_code)
