# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
PORT = re.compile(r"[0-9]{1,5}")
LAST_PORT = 65535


class SaperxIntegration(models.Model):
    """Where a customer's equipment registers: the same for all lines of an account."""

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    sip_server = fields.Char(
        string="SIP server", help="Name or IP address, for example sip.provider.example"
    )
    sip_port = fields.Integer(string="SIP port", default=5060)
    sip_transport = fields.Selection(
        [("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS")],
        string="Transport",
        required=True,
        default="udp",
    )
    sip_proxy = fields.Char(
        string="Outbound proxy",
        help="Empty if the equipment needs none. A port may follow: "
        "proxy.provider.example:5060",
    )
    sip_codecs = fields.Char(
        string="Codecs", help="In the order of preference, for example G.711a, G.729"
    )
    sip_register_seconds = fields.Integer(
        string="Registration interval (s)",
        default=300,
        help="How often the equipment registers anew.",
    )

    _sip_numbers_in_range = models.Constraint(
        "CHECK (sip_port BETWEEN 1 AND 65535"
        " AND sip_register_seconds BETWEEN 10 AND 86400)",
        "The SIP port must lie between 1 and 65535, and the registration interval "
        "between 10 and 86400 seconds.",
    )

    @api.constrains("sip_server", "sip_proxy")
    def _check_sip_hosts(self):
        for integration in self:
            if integration.sip_server and not HOST.fullmatch(integration.sip_server):
                raise ValidationError(
                    self.env._(
                        "“%s” is no SIP server: write its name or IP address alone, "
                        "without “sip:”, port or blanks.",
                        integration.sip_server,
                    )
                )
            host, colon, port = (integration.sip_proxy or "").partition(":")
            is_port = PORT.fullmatch(port) and 1 <= int(port) <= LAST_PORT
            if host + colon and not (HOST.fullmatch(host) and (is_port or not colon)):
                raise ValidationError(
                    self.env._(
                        "“%s” is no outbound proxy: write its name or IP address, and "
                        "its port after a colon if it has one.",
                        integration.sip_proxy,
                    )
                )
