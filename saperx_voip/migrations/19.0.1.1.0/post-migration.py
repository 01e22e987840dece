# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def migrate(cr, version):
    """Numbers that lines of the type "Portability in" have came by portability."""
    cr.execute(
        """
        UPDATE saperx_did AS did
           SET is_ported = TRUE
          FROM saperx_line AS line
         WHERE line.id = did.line_id
           AND line.portability = 'in'
           AND did.active
        """
    )
