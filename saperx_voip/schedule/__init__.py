# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

"""When tasks run. Pure: knows nothing of Odoo.

Moments are naive UTC, as Odoo keeps them; minutes, hours and days are those of a zone.
"""

from .entries import ENTRIES, EVERY, Entry, Misentry, Problem, tidied
from .pauses import pause_after
from .timetable import Misfit, Timetable

__all__ = [
    "ENTRIES",
    "EVERY",
    "Entry",
    "Misentry",
    "Misfit",
    "Problem",
    "Timetable",
    "pause_after",
    "tidied",
]
