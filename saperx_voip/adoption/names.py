"""Names of customers as they are compared: no accents, no legal forms, any order."""

import re
import unicodedata
from functools import lru_cache

from rapidfuzz import fuzz

# What says how a company is constituted, and what joins words: neither tells one
# customer from another.
LEGAL_FORMS = frozenset(
    "cia companhia eireli epp ltda limitada me mei sa sas slu ss unipessoal".split()
)
JOINING = frozenset("a as da das de do dos e em na no o os".split())

# Of 100. Found to take a letter that is missing or wrong in each of two words, and to
# keep brothers apart.
SIMILAR = 88
OTHER = 50

# S.A., S/A, M.E. and initials: one word without the signs.
_INITIALS = re.compile(r"(?<=\b\w)[./](?=\w\b)")
_NO_WORD = re.compile(r"[\W_]+")


@lru_cache(maxsize=65_536)
def name_key(name: str | None) -> tuple[str, ...]:
    """The words that tell a customer from others, in alphabetical order."""
    decomposed = unicodedata.normalize("NFKD", (name or "").casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    words = _NO_WORD.sub(" ", _INITIALS.sub("", plain)).split()
    telling = [word for word in words if word not in LEGAL_FORMS | JOINING]
    return tuple(sorted(telling or words))


def is_similar(key: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two names, as ``name_key`` gives them, may well be one, misspelt.

    Figures are no spelling: *Loja 12* is not *Loja 13*.
    """
    return _figures(key) == _figures(other) and _ratio(key, other) >= SIMILAR


def is_other(key: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two names have nothing to do with each other; a part of a name has."""
    if not key or not other or not set(key).isdisjoint(other):
        return False
    return _ratio(key, other) < OTHER


def _ratio(key, other) -> float:
    return fuzz.ratio(" ".join(key), " ".join(other))


def _figures(key):
    return [word for word in key if any(char.isdigit() for char in word)]
