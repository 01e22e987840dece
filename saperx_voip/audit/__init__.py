"""*Conferência*: what must hold of calls, charges and invoices, looked for by set.

Statements only: nothing here knows the ORM. Each step reads the records between two
ids in one statement, so that what it compares is of one moment.
"""

from .rules import Violation
from .steps import LISTED, STEPS, Step

__all__ = ["LISTED", "STEPS", "Step", "Violation"]
