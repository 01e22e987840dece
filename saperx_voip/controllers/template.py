# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import http
from odoo.http import request

from ..spreadsheet import write_template

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class TemplateController(http.Controller):
    @http.route("/saperx_voip/template/<string:model_name>", type="http", auth="user")
    def template(self, model_name):
        """The spreadsheet that the import of a model takes, in the user's language."""
        env = request.env
        mixin = env.registry["saperx.spreadsheet.mixin"]
        if not issubclass(env.registry.get(model_name, object), mixin):
            raise request.not_found()
        model = env[model_name]
        model.check_access("create")
        title = env["ir.model"]._get(model_name).name
        content = write_template(
            model._get_spreadsheet(),
            (title[:31], env._("How to fill in")),
            (env._("Column"), env._("Required"), env._("What may stand there")),
            env._("Yes"),
        )
        return request.make_response(
            content,
            headers=[
                ("Content-Type", XLSX),
                (
                    "Content-Disposition",
                    http.content_disposition(f"{title}.xlsx"),
                ),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
