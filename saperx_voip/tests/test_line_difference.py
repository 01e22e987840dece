# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from .test_circuit import CircuitCase, make_circuit


class TestLineDifference(CircuitCase):
    def test_smoke(self):
        self._read([make_circuit(8)])
        found = self.env["saperx.line.difference"].search([])
        print(found.read(["display_name", "ours", "theirs", "state"]))
