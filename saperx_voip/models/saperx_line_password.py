# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import secrets
import string

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .saperx_line import AS_THERE

# What the platform takes (``senha`` of the assumed contract), and what phones and
# their web pages take without trouble.
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 64
SYMBOLS = "-_.!*+="


class SaperxLine(models.Model):
    """The SIP password of a line: made, checked, shown on demand with a trace."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    password = fields.Char(
        string="SIP password",
        compute="_compute_secrets",
        inverse="_inverse_password",
        copy=False,
        groups="saperx_voip.group_technician",
    )
    password_hint = fields.Char(compute="_compute_secret_hints")

    def _inverse_password(self):
        for line in self:
            line._check_password(line.password)
        self._store_secret("password")

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        if not self.env.context.get(AS_THERE):
            lines._check_has_password()
        return lines

    def write(self, vals):
        res = super().write(vals)
        if "password" in vals:
            self._check_has_password()
        elif vals.get("is_active") or vals.get("state") == "active":
            # One that the platform had before has its password there.
            self.filtered(
                lambda line: line.password_revision or not line.remote_id
            )._check_has_password()
        return res

    def _check_password(self, password):
        if not password:
            return
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise ValidationError(
                self.env._(
                    "The SIP password has %(least)s to %(most)s characters.",
                    least=SHORTEST_PASSWORD,
                    most=LONGEST_PASSWORD,
                )
            )
        # Nothing of it is quoted, whatever it holds.
        if not (password.isascii() and password.isprintable()) or set(password) & set(
            " \"'\\<>&"
        ):
            raise ValidationError(
                self.env._(
                    "The SIP password takes letters without accents, digits and "
                    "signs, but no blanks, quotes, backslashes or <, > and &."
                )
            )

    def _check_has_password(self):
        """A company may want that no line goes without a password."""
        lines = self.filtered(
            lambda line: (
                line.state == "active" and line.company_id.saperx_password_required
            )
        )
        stored = lines.sudo()._stored_secrets()
        for line in lines:
            if "password" not in stored.get(line.id, ()):
                raise ValidationError(
                    self.env._(
                        "The line needs a SIP password: press “Generate password”."
                    )
                )

    @api.model
    def generate_password(self):
        """A strong password from the system's random source, not stored anywhere yet.

        As the company's settings want it; each kind of character is there.
        """
        self.check_access("write")
        company = self.env.company
        kinds = [string.ascii_lowercase, string.ascii_uppercase, string.digits]
        if company.saperx_password_symbols:
            kinds.append(SYMBOLS)
        source = secrets.SystemRandom()
        chosen = [secrets.choice(kind) for kind in kinds]
        everything = "".join(kinds)
        missing = company.saperx_password_length - len(chosen)
        chosen += [secrets.choice(everything) for _position in range(missing)]
        source.shuffle(chosen)
        return "".join(chosen)

    def action_reveal_password(self):
        """Show the password once, and leave a trace of who saw it."""
        self.ensure_one()
        self.check_access("write")
        password = self._get_secret("password")
        if not password:
            raise UserError(self.env._("This line has no password here."))
        self.message_post(
            body=self.env._("%s saw the SIP password.", self.env.user.display_name)
        )
        # The answer of this call is the only place where it is in clear.
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "sticky": True,
                "title": self.env._("This line's password"),
                "message": password,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
