# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def tell_forms(records):
    """Let open forms of these records show, once the transaction is committed, what
    changed behind their users' backs: ``static/src/record_reload``."""
    for record in records:
        record.env["bus.bus"]._sendone(
            f"{record._name}_{record.id}", "saperx_record_changed", {"id": record.id}
        )
