"""What looks like fraud, tested as the package ``sentinel``, without Odoo."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "saperx_voip"))
