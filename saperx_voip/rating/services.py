"""Service numbers: those that have a class of their own, whatever their form."""

from collections.abc import Mapping
from weakref import WeakValueDictionary

from .const import CALL_CLASSES, SERVICE_CLASSES


class Services:
    """Immutable table of service numbers (§4: data that a manager edits).

    Equal tables are one object as long as anything holds it: numbers that were read
    are remembered by table, and one that is built anew for each page of calls neither
    forgets them nor adds to them.

    :param classes: digits as dialled nationally (``190``, ``40041234``) or, for a
        number that has one, in E.164 without "+" (``551133334444``), to a call class.
        A key that ends in ``*`` is a prefix (``0800*``), of numbers without an E.164
        form only; an exact number wins over a prefix, a longer prefix over a shorter.
    :raise ValueError: a key holds something else than digits, or a class is not known
    """

    __slots__ = ("__weakref__", "_exact", "_lengths", "_prefixes")

    _known: WeakValueDictionary[frozenset, "Services"] = WeakValueDictionary()

    def __new__(cls, classes: Mapping[str, str]):
        key = frozenset(classes.items())
        if (known := cls._known.get(key)) is None:
            known = super().__new__(cls)
            known._fill(classes)
            cls._known[key] = known
        return known

    def _fill(self, classes: Mapping[str, str]):
        self._exact: dict[str, str] = {}
        self._prefixes: dict[str, str] = {}
        for key, call_class in classes.items():
            digits = key.removesuffix("*")
            if not (digits.isascii() and digits.isdigit()):
                raise ValueError(f"Service number {key!r}: digits, or digits and *")
            if call_class not in CALL_CLASSES:
                raise ValueError(f"Service number {key!r}: no class {call_class!r}")
            table = self._exact if digits == key else self._prefixes
            table[digits] = call_class
        self._lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)

    def exact(self, digits: str) -> str | None:
        """The class of exactly this number, None if it is not listed."""
        return self._exact.get(digits)

    def find(self, digits: str) -> str | None:
        """The class of digits as dialled nationally, by number, else by prefix."""
        if found := self._exact.get(digits):
            return found
        for length in self._lengths:
            if found := self._prefixes.get(digits[:length]):
                return found
        return None


DEFAULT_SERVICES = Services(SERVICE_CLASSES)
