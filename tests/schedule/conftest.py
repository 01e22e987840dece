"""When tasks run, tested as the package ``schedule``, without Odoo."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "saperx_voip"))
