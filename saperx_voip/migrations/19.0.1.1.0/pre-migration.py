# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.tools import sql


def migrate(cr, version):
    _rename_company_of_tokens(cr)
    _let_account_codes_be_unique(cr)
    cr.execute(
        "UPDATE saperx_line SET simultaneous_calls = 9999"
        " WHERE simultaneous_calls > 9999 RETURNING id"
    )
    _push_again(cr, cr.fetchall())


def _rename_company_of_tokens(cr):
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


def _let_account_codes_be_unique(cr):
    """Of the lines with one code, the one that the platform knows best keeps it."""
    cr.execute(
        """
        UPDATE saperx_line
           SET account_code = NULL
         WHERE id IN (
               SELECT id
                 FROM (SELECT id, row_number() OVER (
                                  PARTITION BY integration_id, account_code
                                  ORDER BY remote_id IS NULL, id) AS place
                         FROM saperx_line
                        WHERE account_code <> '' AND state <> 'cancelled') AS line
                WHERE place > 1)
        RETURNING id
        """
    )
    _push_again(cr, cr.fetchall())


def _push_again(cr, rows):
    """The platform learns what these lines say now; it may have refused what they said.

    :param rows: of their ids
    """
    cr.execute(
        """
        UPDATE saperx_line
           SET revision = revision + 1,
               sync_state = 'pending',
               sync_error = NULL,
               sync_attempts = 0,
               next_sync_at = now() AT TIME ZONE 'UTC'
         WHERE id = ANY(%s) AND state IN ('active', 'inactive')
        """,
        [[line_id for (line_id,) in rows]],
    )
