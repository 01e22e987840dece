"""When an unpaid contract is told, blocked and ended: days and steps, without Odoo.

The rules behind it are in ``docs/design.md``.
"""

from .calendar import Calendar
from .steps import Rules, Standing, Step, StepKind, next_step

__all__ = ["Calendar", "Rules", "Standing", "Step", "StepKind", "next_step"]
