# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import tempfile

from werkzeug.wsgi import wrap_file

from odoo import http
from odoo.http import request

from ..statement import MIMETYPES

# What is larger lies in a file while it is sent.
IN_MEMORY = 8 * 1024 * 1024


class StatementController(http.Controller):
    @http.route("/saperx_voip/statement/<int:wizard_id>", type="http", auth="user")
    def statement(self, wizard_id):
        """The file that a wizard of one's own asks for, sent as it was written."""
        wizard = request.env["saperx.statement.wizard"].browse(wizard_id).exists()
        if not wizard:
            raise request.not_found()
        wizard.check_access("read")
        file = tempfile.SpooledTemporaryFile(IN_MEMORY)
        filename = wizard._write_file(file)
        return send_file(file, filename, wizard.file_format)


def send_file(file, filename, file_format):
    """A response that sends a statement's file and closes it."""
    size = file.tell()
    file.seek(0)
    response = request.make_response(
        wrap_file(request.httprequest.environ, file),
        headers=[
            ("Content-Type", MIMETYPES[file_format]),
            ("Content-Length", str(size)),
            ("Content-Disposition", http.content_disposition(filename)),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ],
    )
    response.direct_passthrough = True
    return response
