"""From numbers and seconds to money: pure Python, no Odoo (§4 and §5 of the rules)."""

from .allowance import Allowance, Balance, Drawn, draw, in_drawing_order
from .assessment import Assessment, Assessor, Fact
from .const import AREA_CODES, CALL_CLASSES, LOCAL_SINCE, SERVICE_CLASSES
from .cycle import bounds_utc, closing_date, cycle_of, cycles_between, local_date
from .drawn_sum import DrawnSum, take_drawn
from .ending import (
    MAX_MONTHS,
    months_left,
    remaining_amount,
    scale,
    termination_fine,
)
from .explanation import (
    Cadence,
    Choice,
    Draw,
    Priced,
    Use,
    explain_cadence,
    explain_choice,
    explain_class,
    explain_draws,
    explain_price,
    explain_untouched,
    in_order_of_draw,
)
from .holding import Directory, Holding, LineKeys, NumberHolding, with_terms
from .ledger import Key, Ledger, OpenCall
from .numbering import Number, can_be_service, classify, normalise, rule_class
from .services import DEFAULT_SERVICES, Services
from .stretch import Cycle, Stretch, Stretches
from .tariff import (
    Rate,
    Rated,
    Tariff,
    charged_seconds,
    from_centavos,
    gross_amount,
    rate_call,
)

__all__ = [
    "AREA_CODES",
    "CALL_CLASSES",
    "DEFAULT_SERVICES",
    "LOCAL_SINCE",
    "MAX_MONTHS",
    "SERVICE_CLASSES",
    "Allowance",
    "Assessment",
    "Assessor",
    "Balance",
    "Cadence",
    "Choice",
    "Cycle",
    "Directory",
    "Draw",
    "Drawn",
    "DrawnSum",
    "Fact",
    "Holding",
    "Key",
    "Ledger",
    "LineKeys",
    "Number",
    "NumberHolding",
    "Priced",
    "OpenCall",
    "Rate",
    "Rated",
    "Services",
    "Stretch",
    "Stretches",
    "Tariff",
    "Use",
    "bounds_utc",
    "can_be_service",
    "charged_seconds",
    "classify",
    "closing_date",
    "cycle_of",
    "cycles_between",
    "draw",
    "explain_cadence",
    "explain_choice",
    "explain_class",
    "explain_draws",
    "explain_price",
    "explain_untouched",
    "from_centavos",
    "gross_amount",
    "in_drawing_order",
    "in_order_of_draw",
    "local_date",
    "months_left",
    "normalise",
    "rate_call",
    "remaining_amount",
    "rule_class",
    "scale",
    "take_drawn",
    "termination_fine",
    "with_terms",
]
