# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.tools import sql


def migrate(cr, version):
    """The tokens' company is a plain number, and its name says so now."""
    if not sql.column_exists(cr, "saperx_token", "company_id"):
        return
    sql.rename_column(cr, "saperx_token", "company_id", "company_key")
    # Rules are not updated by an upgrade.
    cr.execute(
        """
        UPDATE ir_rule
           SET domain_force = '[(''company_key'', ''in'', company_ids)]'
         WHERE id = (SELECT res_id FROM ir_model_data
                      WHERE module = 'saperx_voip'
                        AND name = 'rule_saperx_token_company')
        """
    )
