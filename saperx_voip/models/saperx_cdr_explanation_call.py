# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models
from odoo.tools.misc import format_date, format_datetime

from ..gateway import known_call_class
from ..places import place_of
from ..rating import explain_class, normalise
from .saperx_cdr_explanation import E164_KINDS


class SaperxCdr(models.Model):
    """What an explanation says of the call itself: number, class, holder."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    def _explain_number(self, explained):
        outgoing = self.direction == "outgoing"
        label = self.env._("Dialled") if outgoing else self.env._("Called by")
        mask = explained["mask"]
        other = explained["other"] and mask(explained["other"])
        rows = [self._row(label, other or self.env._("Nothing"))]
        number, digits = explained["number"], self.other_party
        if digits:
            rows.append(
                self._row(
                    self.env._("Read as"),
                    mask(self._format_other_party(number)),
                    ". ".join(self._describe_number(number)),
                )
            )
        else:
            rows.append(
                self._row(
                    self.env._("Read as"),
                    self.env._("No telephone number"),
                    level="warning",
                )
            )
        if outgoing or self.is_collect:
            rows.append(
                self._row(
                    self.env._("The line calls from")
                    if outgoing
                    else self.env._("The line is in"),
                    self.env._("Area code %s", explained["area_code"])
                    if explained["area_code"]
                    else self.env._("Area code not known"),
                    explained["own"] and self._format_number(explained["own"]),
                )
            )
        return rows

    def _describe_number(self, number):
        """What kind of number the other party has, where, and how it was dialled."""
        if number is None:
            return [self.env._("As it was read when the call came in")]
        kinds = {
            "fixed": self.env._("Fixed line"),
            "mobile": self.env._("Mobile"),
            "international": self.env._("Abroad"),
            "free": self.env._("Free to the caller"),
            "special": self.env._("Special service"),
            "unknown": self.env._("No number that we know the form of"),
        }
        parts = [kinds[number.kind]]
        if number.kind in E164_KINDS:
            city, state = place_of(number.digits)
            place = "/".join(part for part in (city, state) if part)
            if number.area_code:
                parts.append(self.env._("area code %s", number.area_code))
            parts.append(place)
            parts = [", ".join(part for part in parts if part)]
        if number.is_collect:
            parts.append(self.env._("Dialled as a collect call (90)"))
        return parts

    def _explain_class(self, explained):
        platform_class = known_call_class(self.platform_class)
        rows = []
        if self.platform_class:
            rows.append(
                self._row(
                    self.env._("The platform says"),
                    self._label("call_class", platform_class) or self.platform_class,
                    None
                    if platform_class
                    else self.env._("A class that we do not know: ours rules."),
                )
            )
        elif self.id:
            rows.append(
                self._row(self.env._("The platform says"), self.env._("Nothing"))
            )
        rows.append(
            self._row(
                self.env._("The number tells"),
                self._label("own_class", self.own_class),
                self.env._("Platform and number disagree.")
                if self.is_class_disputed
                else None,
                level="warning" if self.is_class_disputed else None,
            )
        )
        rows.append(
            self._row(
                self.env._("The class that rules"),
                self._label("call_class", self.call_class),
                self._explain_ruling(platform_class, explained),
                level="strong",
            )
        )
        return rows

    def _explain_ruling(self, platform_class, explained):
        why = explain_class(platform_class, self.own_class, self.call_class)
        if why == "local_area":
            local_since = self.env["saperx.area.code"]._get_local_since()
            since = local_since.get(explained["area_code"] or "")
            if since:
                return self.env._(
                    "Fixed to fixed inside area code %(area)s is local since %(day)s, "
                    "whatever the platform says.",
                    area=explained["area_code"],
                    day=format_date(self.env, since),
                )
        return {
            "agreed": self.env._("Both agree."),
            "own": self.env._("What the number tells: the platform sent none."),
            "platform": self.env._("The platform's class wins over ours."),
            "free": self.env._(
                "Free and emergency numbers stay free, whatever the platform says."
            ),
            "local_area": self.env._(
                "Fixed to fixed inside one area code is local, whatever the platform "
                "says."
            ),
            "other": self.env._("As it was decided when the call was rated."),
        }[why]

    def _explain_holder(self, explained):
        if self.state == "unmatched":
            return [
                self._row(
                    self.env._("SIP line"),
                    self.env._("None"),
                    self.env._(
                        "At that moment no line here had circuit %(circuit)s, account "
                        "code %(code)s or the number %(number)s.",
                        circuit=self.line_remote_id or "—",
                        code=self.account_code or "—",
                        number=explained["own"] or "—",
                    ),
                    level="warning",
                )
            ]
        rows = []
        if self.line_id:
            rows.append(
                self._row(
                    self.env._("SIP line"),
                    self.line_id.display_name,
                    self.id and self._explain_match(explained),
                )
            )
            rows.append(
                self._row(
                    self.env._("Customer"),
                    self.partner_id.display_name,
                    self.contract_id.display_name,
                )
            )
        tariff = explained["tariff"]
        rows.append(
            self._row(
                self.env._("Billing plan"),
                tariff.display_name or self.env._("None"),
                self.period_id and self._describe_period(),
            )
        )
        if self.cycle_end and self.line_id:
            rows.append(
                self._row(
                    self.env._("Cycle until"), format_date(self.env, self.cycle_end)
                )
            )
        return rows

    def _explain_match(self, explained):
        line = self.line_id
        if self.line_remote_id and self.line_remote_id == line.remote_id:
            return self.env._("Found by the circuit %s.", self.line_remote_id)
        if self.account_code and self.account_code == line.account_code:
            return self.env._("Found by the account code %s.", self.account_code)
        if explained["own"] and normalise(explained["own"], None).digits in (
            line.with_context(active_test=False).did_ids.mapped("number")
        ):
            return self.env._("Found by the number %s.", explained["own"])
        return self.env._("Found by what identified it when the call came in.")

    def _describe_period(self):
        period = self.period_id
        timezone = self.integration_id.timezone
        since, until = (
            moment and format_datetime(self.env, moment, tz=timezone)
            for moment in (period.date_from, period.date_to)
        )
        if since and until:
            span = self.env._(
                "Terms from %(since)s to %(until)s", since=since, until=until
            )
        elif since:
            span = self.env._("Terms since %s", since)
        elif until:
            span = self.env._("Terms until %s", until)
        else:
            span = self.env._("Terms since ever")
        billing_type = dict(
            period._fields["billing_type"]._description_selection(self.env)
        )[period.billing_type]
        return f"{span}, {billing_type.lower()}"

    def _explain_platform(self):
        if not self.id:
            return []
        rows = [
            self._row(
                self.env._("Charged time"),
                self._format_seconds(self.platform_charged_seconds),
                self.env._(
                    "Conversation %(talk)s, with ringing %(total)s",
                    talk=self._format_seconds(self.talk_seconds),
                    total=self._format_seconds(self.total_seconds),
                ),
            ),
            self._row(
                self.env._("Amount"), self._format_exact_amount(self.platform_amount)
            ),
        ]
        if self.env.user.has_group("saperx_voip.group_billing"):
            rows.append(
                self._row(
                    self.env._("Cost"), self._format_exact_amount(self.platform_cost)
                )
            )
        return rows
