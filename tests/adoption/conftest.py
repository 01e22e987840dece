"""Adoption is tested as the package ``adoption``: no Odoo is imported."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "saperx_voip"))
