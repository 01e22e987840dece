# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def uninstall_hook(env):
    """The scheduled actions of tasks and sentinels go with the addon. The product of
    the additional stands on invoices: it outlives it."""
    env["saperx.schedule"].with_context(active_test=False).search([]).unlink()
    env["saperx.fraud.alert"].search([]).unlink()
    env["saperx.sentinel"].with_context(active_test=False).search([]).unlink()
    env["ir.model.data"].search(
        [
            ("module", "=", "saperx_voip"),
            ("model", "in", ("product.product", "product.template")),
        ]
    ).unlink()
