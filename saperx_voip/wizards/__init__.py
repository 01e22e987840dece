from . import base_partner_merge
from . import saperx_import_wizard
from . import saperx_charge_wizard
from . import saperx_number_reserve_wizard
from . import saperx_did_block_wizard
from . import saperx_did_move_wizard
from . import saperx_simulation_wizard
from . import saperx_what_if_wizard
