# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import base64
import re

from reportlab.graphics.barcode import createBarcodeDrawing

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

QR_POINTS = 220


class SaperxLine(models.Model):
    """The customer's equipment, and what it must be told: *Dados para o ATA*."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    equipment_serial = fields.Char(string="Equipment serial", copy=False, tracking=True)
    equipment_mac = fields.Char(
        string="Equipment MAC",
        copy=False,
        tracking=True,
        help="Twelve hexadecimal digits, with or without separators.",
    )

    _equipment_mac_unique = models.UniqueIndex(
        "(company_id, equipment_mac)"
        " WHERE equipment_mac IS NOT NULL AND state != 'cancelled'",
        "Another line's equipment has this MAC.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._with_clean_mac(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._with_clean_mac(vals))

    @api.model
    def _with_clean_mac(self, vals):
        if "equipment_mac" not in vals:
            return vals
        return {**vals, "equipment_mac": self._clean_mac(vals["equipment_mac"])}

    @api.model
    def _clean_mac(self, text):
        """``aabb.ccdd.eeff``, as ``AA:BB:CC:DD:EE:FF``; False for none.

        :raise ValidationError: if it is no equipment's address
        """
        digits = re.sub(r"[\s.:-]", "", text or "").upper()
        if not digits:
            return False
        if not re.fullmatch(r"[0-9A-F]{12}", digits):
            raise ValidationError(
                self.env._(
                    "“%s” is no MAC address: it has twelve digits from 0 to 9 and A "
                    "to F, for example AA:BB:CC:DD:EE:FF.",
                    text,
                )
            )
        if int(digits[:2], 16) & 1 or not int(digits, 16):
            raise ValidationError(
                self.env._(
                    "“%s” is no equipment's MAC address: it stands for a group or for "
                    "nothing. Read it from the equipment's label.",
                    text,
                )
            )
        return ":".join(digits[i : i + 2] for i in range(0, 12, 2))

    def action_show_ata(self):
        """*Dados para o ATA*: all that the equipment must be told, password included.

        Leaves a trace of who saw it. The password is in this one answer alone.
        """
        self.ensure_one()
        self.check_access("write")
        if not self.integration_id.sip_server:
            raise UserError(
                self.env._(
                    "The integration “%s” has no SIP server yet: a manager fills in "
                    "“Data for the ATA” on it.",
                    self.integration_id.name,
                )
            )
        data = self._get_ata_data()
        self._trace_ata(with_password=bool(data["password"]))
        return {
            "type": "ir.actions.client",
            "tag": "saperx_ata_dialog",
            "target": "new",
            "name": self.env._("Data for the ATA"),
            "params": {
                **data,
                "line": self.display_name,
                "customer": self.partner_id.display_name,
                "qr": self._get_ata_qr(data),
            },
        }

    def _trace_ata(self, with_password):
        name = self.env.user.display_name
        if with_password:
            body = self.env._(
                "%s saw the data for the ATA, with the SIP password.", name
            )
        else:
            body = self.env._("%s saw the data for the ATA.", name)
        self.message_post(body=body)

    def _get_ata_data(self):
        integration = self.integration_id
        return {
            "server": integration.sip_server,
            "port": integration.sip_port,
            "transport": integration.sip_transport,
            "proxy": integration.sip_proxy or "",
            "codecs": integration.sip_codecs or "",
            "register_seconds": integration.sip_register_seconds,
            "user": self.account_code or "",
            "password": self._get_secret("password") or "",
            "serial": self.equipment_serial or "",
            "mac": self.equipment_mac or "",
        }

    def _get_ata_qr(self, data):
        """The data as a text in a QR code: an SVG in a data URI, never an address.

        :return: None as long as the line has no user or no password
        """
        if not (data["user"] and data["password"]):
            return None
        rows = [
            "sip:{user}@{server}:{port};transport={transport}".format(**data),
            self.env._("Password: %s", data["password"]),
        ]
        if data["proxy"]:
            rows.append(self.env._("Outbound proxy: %s", data["proxy"]))
        if data["codecs"]:
            rows.append(self.env._("Codecs: %s", data["codecs"]))
        # Odoo's own ``barcode`` makes PNGs alone, by a library that may be missing.
        drawing = createBarcodeDrawing(
            "QR", value="\n".join(rows), width=QR_POINTS, height=QR_POINTS, barLevel="M"
        )
        image = base64.b64encode(drawing.asString("svg").encode()).decode()
        return f"data:image/svg+xml;base64,{image}"
