from . import base_partner_merge
from . import saperx_import_wizard
from . import saperx_charge_wizard
