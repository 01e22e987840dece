"""CPF and CNPJ as they are compared."""

import re

CPF_LENGTH, CNPJ_LENGTH = 11, 14
# Of a CNPJ: the company; what follows is its branch.
ROOT_LENGTH = 8


def clean_document(text: str | None) -> str | None:
    """The characters of a CPF or CNPJ alone, or None where it is neither.

    A CNPJ may hold letters (Receita Federal, since July 2026). What people write for
    want of one (all zeros) is none.
    """
    document = re.sub(r"[\W_]", "", text or "").upper()
    if len(document) not in (CPF_LENGTH, CNPJ_LENGTH):
        document = document.removeprefix("BR")
    if len(document) not in (CPF_LENGTH, CNPJ_LENGTH) or not document.isascii():
        return None
    if len(set(document)) == 1 or not document[-2:].isdigit():
        return None
    return document


def company_of(document: str | None) -> str | None:
    """What all branches of a company share; None of a person."""
    if document and len(document) == CNPJ_LENGTH:
        return document[:ROOT_LENGTH]
    return None
