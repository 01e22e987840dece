"""Whose a line of the platform is: which contract each circuit belongs to.

Pure Python, no Odoo. ``Matcher`` takes the contracts and proposes, for one circuit
after the other, those that it may belong to, with what speaks for each. It never
decides where several fit as well.
"""

from .documents import clean_document
from .matching import Matcher
from .names import is_other, is_similar, name_key
from .numbers import numbers_in
from .records import Certainty, Circuit, Contract, Evidence, Match, Proposal

__all__ = [
    "Certainty",
    "Circuit",
    "Contract",
    "Evidence",
    "Match",
    "Matcher",
    "Proposal",
    "clean_document",
    "is_other",
    "is_similar",
    "name_key",
    "numbers_in",
]
