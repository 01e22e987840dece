"""Checks of a request body, field by field, in the contract's terms."""

import re
from decimal import Decimal
from typing import Any

from . import forms
from .web import LARGEST_INTEGER, invalid


class Fields:
    """A JSON object whose members are read one by one; what is wrong is gathered.

    Every reader returns None for a member that is absent, null or wrong. Null is
    wrong unless the reader is told that the contract allows it.
    """

    def __init__(self, body: dict[str, Any]):
        self.body = body
        self.errors: dict[str, list[str]] = {}

    def refuse(self, name: str, message: str) -> None:
        self.errors.setdefault(name, []).append(message)

    def only(self, *names: str) -> None:
        """Refuse all other members; the contract itself takes them."""
        for name in sorted(set(self.body) - set(names)):
            self.refuse(name, "campo desconhecido")

    def check(self) -> None:
        """:raises Refusal: 422 if any member was wrong"""
        if self.errors:
            raise invalid(self.errors)

    def _get(self, name: str, required: bool, nullable: bool) -> Any:
        value = self.body.get(name)
        if value is None and required:
            self.refuse(name, "é obrigatório")
        elif value is None and name in self.body and not nullable:
            self.refuse(name, "não pode ser nulo")
        return value

    def text(
        self,
        name: str,
        required: bool = False,
        nullable: bool = False,
        pattern: str | None = None,
        message: str = "",
    ) -> str | None:
        """:param pattern: what the whole text must match, said by ``message``"""
        value = self._get(name, required, nullable)
        if value is None:
            return None
        if not isinstance(value, str):
            self.refuse(name, "deve ser um texto")
        elif pattern is not None and not re.fullmatch(pattern, value, re.DOTALL):
            self.refuse(name, message)
        else:
            return value
        return None

    def choice(
        self, name: str, options: tuple[str, ...], required: bool = False
    ) -> str | None:
        value = self._get(name, required, False)
        if value is None or (isinstance(value, str) and value in options):
            return value
        self.refuse(name, "deve ser um de: " + ", ".join(options))
        return None

    def boolean(self, name: str, required: bool = False) -> bool | None:
        value = self._get(name, required, False)
        if value is None or isinstance(value, bool):
            return value
        self.refuse(name, "deve ser true ou false")
        return None

    def integer(
        self,
        name: str,
        required: bool = False,
        nullable: bool = False,
        low: int = -LARGEST_INTEGER,
        high: int = LARGEST_INTEGER,
    ) -> int | None:
        value = self._get(name, required, nullable)
        if value is None:
            return None
        # JSON Schema counts 2.0 as an integer.
        if isinstance(value, Decimal) and value.adjusted() < 20 and value == int(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(name, "deve ser um número inteiro")
        elif not low <= value <= high:
            self.refuse(name, f"deve estar entre {low} e {high}")
        else:
            return value
        return None

    def number(
        self, name: str, low: float, high: float, required: bool = False
    ) -> float | Decimal | None:
        value = self._get(name, required, False)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            self.refuse(name, "deve ser um número")
        elif not low <= value <= high:
            self.refuse(name, f"deve estar entre {low} e {high}")
        else:
            return value
        return None

    def money(
        self, name: str, required: bool = False, negative: bool = False
    ) -> int | None:
        """Ten-thousandths of a real; below zero only with ``negative``."""
        value = self._get(name, required, False)
        if value is None:
            return None
        units = forms.parse_money(value)
        if units is None:
            self.refuse(name, "deve ser um valor em reais")
        elif units < 0 and not negative:
            self.refuse(name, "não pode ser negativo")
        else:
            return units
        return None
