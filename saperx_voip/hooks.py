# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def uninstall_hook(env):
    """The product of the additional stands on invoices: it outlives the addon."""
    env["ir.model.data"].search(
        [
            ("module", "=", "saperx_voip"),
            ("model", "in", ("product.product", "product.template")),
        ]
    ).unlink()
