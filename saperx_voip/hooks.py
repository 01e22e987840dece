# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).


def uninstall_hook(env):
    """The scheduled actions of tasks, sentinels and integrations go with the addon.
    The product of the additional stands on invoices: it outlives it."""
    env["saperx.schedule"].with_context(active_test=False).search([]).unlink()
    env["saperx.fraud.alert"].search([]).unlink()
    env["saperx.sentinel"].with_context(active_test=False).search([]).unlink()
    integrations = env["saperx.integration"].with_context(active_test=False).search([])
    integrations._unlink_import_cron()
    env["ir.model.data"].search(
        [
            ("module", "=", "saperx_voip"),
            ("model", "in", ("product.product", "product.template")),
        ]
    ).unlink()
