"""When an unpaid contract is told, blocked and ended: days and steps, without Odoo.

The rules behind it are in ``docs/design.md``.
"""

from .calendar import Calendar
from .steps import Rules, Standing, Step, StepKind, may_be_taken, next_step

__all__ = [
    "Calendar", "Rules", "Standing", "Step", "StepKind", "may_be_taken", "next_step"
]  # fmt: skip
