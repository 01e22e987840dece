"""What looks like toll fraud in a line's latest calls: pure Python, no Odoo."""

from .records import Finding, Habit, Limits, SeenCall
from .rules import RULES, find

__all__ = ["RULES", "Finding", "Habit", "Limits", "SeenCall", "find"]
