# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

"""Integrations of before are watched as new ones are; rejects say why in words that can
be translated."""

from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    env = api.Environment(cr, SUPERUSER_ID, {"active_test": False})
    env["saperx.integration"].search([])._give_sentinels()
    env["saperx.cdr.reject"].search([("problem", "=", False)])._explain_again()
