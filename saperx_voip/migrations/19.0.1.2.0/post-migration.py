# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

"""Charges and rates of before say what new ones say of themselves."""


def migrate(cr, version):
    cr.execute(
        """
        UPDATE saperx_tariff_rate SET is_charged = TRUE
        WHERE id IN (SELECT rate_id FROM saperx_cdr WHERE charge_id IS NOT NULL)
        """
    )
    cr.execute(
        """
        UPDATE saperx_charge AS charge
        SET cost = calls.cost, margin = charge.amount - calls.cost
        FROM (
            SELECT charge_id, round(coalesce(sum(platform_cost), 0), 2) AS cost
            FROM saperx_cdr WHERE charge_id IS NOT NULL GROUP BY charge_id
        ) AS calls
        WHERE calls.charge_id = charge.id
        """
    )
