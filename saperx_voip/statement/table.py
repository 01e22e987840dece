"""The calls as rows of a spreadsheet: one a call, so that columns can be added up."""

from collections.abc import Iterator

from .content import Call, Section, Statement

# A spreadsheet would run what begins so (OWASP: CSV injection).
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = (
    "line",
    "cycle_first",
    "cycle_last",
    "date",
    "time",
    "number",
    "place",
    "class",
    "talk",
    "charged",
    "gross",
    "covered",
    "amount",
    "status",
    "billing",
)


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    stripped = text.lstrip(" \u00a0")
    return f"'{text}" if stripped.startswith(DANGEROUS) else text


def rows(statement: Statement) -> Iterator[tuple[Section, Call | None]]:
    """Each call with its section; None: what a section charges without listing it."""
    for section in statement.sections:
        for call in section.read_calls(None):
            yield section, call
        if section.others:
            yield section, None


def texts(statement: Statement, section: Section, call: Call) -> dict[str, str]:
    """The columns that are texts."""
    words = statement.words
    number = call.number.removeprefix("+")
    if call.is_collect:
        number = words["collect_from"].format(number=number)
    return {
        "line": guarded(section.line),
        "number": guarded(number),
        "place": guarded(call.place),
        "class": guarded(statement.classes[call.call_class]),
        "status": words[f"status_{call.status}"],
        "billing": billing(statement),
    }


def billing(statement: Statement) -> str:
    return statement.words[
        "billing_preview" if statement.is_preview else "billing_done"
    ]
