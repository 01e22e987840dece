"""Where everything is. All that is made locally lives in ``.local/``."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
ADDON = "saperx_voip"

LOCAL = PROJECT / ".local"
LOGS = LOCAL / "log"
STAMPS = LOCAL / "stamps"
DEBS = LOCAL / "debs"
ODOO_ROOT = LOCAL / "odoo"
VENV = LOCAL / "venv"
PYTHON = VENV / "bin" / "python"
CLUSTER = LOCAL / "postgres"
DATA = LOCAL / "data"
CONFIG = LOCAL / "odoo.conf"

ODOO_REQUIREMENTS = HERE / "odoo-requirements.txt"
OCA_REQUIREMENTS = HERE / "oca-requirements.txt"
ADDON_REQUIREMENTS = PROJECT / "requirements.txt"
TEST_REQUIREMENTS = PROJECT / "test-requirements.txt"
