"""Statements are tested as the package ``statement``: no Odoo is imported."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "saperx_voip"))
