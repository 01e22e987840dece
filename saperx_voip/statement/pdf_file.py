"""The statement as people read it: A4 upright, a summary, then the calls by class.

Drawn by ReportLab, which Odoo itself requires, and not by wkhtmltopdf: page numbers and
repeated column heads need a build of that with patched Qt, which distributions do not
have, and are the same everywhere so.
"""

from collections.abc import Sequence
from typing import BinaryIO

from .content import Call, ClassTotal, Section, Statement, clock, minutes_of
from .pdf_page import BOLD, GREY, LIGHT, REGULAR, WIDTH, Column, Pages

ROW = 10.6
CALLS = (
    Column("call_start", 84),
    Column("call_number", 98),
    Column("call_place", 112),
    Column("call_talk", 42, is_right=True),
    Column("call_charged", 46, is_right=True),
    Column("call_gross", 47, is_right=True),
    Column("call_covered", 53, is_right=True),
    Column("call_amount", 49, is_right=True),
)
SUMMARY = (
    Column("summary_class", 191),
    Column("summary_calls", 50, is_right=True),
    Column("summary_talk", 58, is_right=True),
    Column("summary_charged", 58, is_right=True),
    Column("summary_gross", 58, is_right=True),
    Column("summary_covered", 58, is_right=True),
    Column("summary_amount", 58, is_right=True),
)
LINES = (
    Column("line", 111),
    Column("cycle", 130),
    *SUMMARY[1:2],
    *(Column(column.name, 60, is_right=True) for column in SUMMARY[3:]),
)
ALLOWANCES = (
    Column("allowance", 141),
    Column("allowance_own", 62, is_right=True),
    Column("allowance_carried", 66, is_right=True),
    Column("allowance_used", 62, is_right=True),
    Column("allowance_others", 70, is_right=True),
    Column("allowance_left", 62, is_right=True),
    Column("allowance_away", 68, is_right=True),
)


def write_pdf(statement: Statement, file: BinaryIO) -> None:
    """Draw the statement; made again of the same it is the same file."""
    pages = Pages(statement, file)
    _draw_parties(pages)
    if len(statement.sections) > 1:
        _draw_lines(pages)
    for section in statement.sections:
        _draw_section(pages, section)
    _draw_notes(pages)
    pages.save()


def _draw_parties(pages: Pages):
    """The customer on the left, what the statement is about on the right."""
    statement = pages.statement
    words = statement.words
    customer, facts = statement.customer, statement.facts
    height = 14 + max(13 + 11 * len(customer.details) + 6, 12 * len(facts))
    pages.box(height)
    half = WIDTH / 2
    top = pages.y
    pages.text(10, words["customer"], GREY, size=7)
    pages.down(13)
    pages.text(10, customer.name, font=BOLD, size=10, width=half - 20)
    for detail in customer.details:
        pages.down(11)
        pages.text(10, detail, size=8, width=half - 20)
    pages.y = top
    for label, value in facts:
        pages.text(half + 10, label, GREY, size=7, width=68)
        pages.text(half + 82, value, size=8, width=half - 92)
        pages.down(12)
    pages.y = top - height + 2


def _draw_lines(pages: Pages):
    """One row a line, and what they sum to."""
    statement = pages.statement
    pages.heading(statement.words["lines"])
    pages.head(LINES)
    for section in statement.sections:
        total = section.total
        pages.row(
            LINES,
            [section.line, statement.period(section), *_line_figures(pages, total)],
        )
    label = [statement.words["grand_total"], ""]
    pages.total_row(LINES, label + _line_figures(pages, statement.total))


def _line_figures(pages: Pages, total: ClassTotal) -> list[str]:
    figures = _figures(pages, total)
    return [figures[0], *figures[2:]]


def _draw_section(pages: Pages, section: Section):
    """A line in a cycle: totals, allowances, calls."""
    words = pages.statement.words
    title = words["section"].format(
        line=section.line, period=pages.statement.period(section)
    )
    pages.begin_section(title, needed=ROW * (7 + len(section.classes)))
    pages.heading(title, more=section.plan)
    if section.note:
        pages.text(0, section.note, GREY, size=8)
        pages.down(13)
    _draw_summary(pages, section)
    if section.allowances:
        _draw_allowances(pages, section)
    for total in section.classes:
        _draw_class(pages, section, total)


def _draw_summary(pages: Pages, section: Section):
    statement = pages.statement
    pages.head(SUMMARY)
    for total in section.classes:
        label = statement.classes[total.call_class]
        pages.row(SUMMARY, [label, *_figures(pages, total)])
    if section.others:
        figures = _figures(pages, section.others)
        pages.row(SUMMARY, [statement.words["others"], "", "", *figures[2:]])
    if not section.classes and not section.others:
        pages.row(SUMMARY, [statement.words["no_calls"], *[""] * 6])
    figures = _figures(pages, section.total)
    pages.total_row(SUMMARY, [statement.words["total"], *figures])


def _draw_allowances(pages: Pages, section: Section):
    pages.need(ROW * (3 + len(section.allowances)))
    pages.down(8)
    pages.head(ALLOWANCES)
    for use in section.allowances:
        pages.row(
            ALLOWANCES,
            [
                use.name,
                use.own,
                use.carried,
                use.used,
                use.used_by_others,
                use.left,
                use.carried_away,
            ],
        )
    pages.end_table()


def _draw_class(pages: Pages, section: Section, total: ClassTotal):
    """The calls of one class with their subtotal; the heads come again on each page."""
    statement = pages.statement
    name = statement.classes[total.call_class]
    # Never a head without calls below it.
    pages.need(ROW * 8)
    pages.down(16)
    pages.text(0, name, font=BOLD, size=8.5)
    pages.down(5)
    continued = statement.words["continued"].format(name=name)
    pages.open_table(CALLS, continued)
    for call in section.read_calls(total.call_class):
        pages.call_row(CALLS, _call_cells(statement, call), call.status)
    # The subtotal stands below a call, not alone.
    figures = _figures(pages, total)
    label = statement.words["subtotal"].format(count=figures[0])
    pages.total_row(CALLS, [label, "", "", *figures[1:]], spans=3)
    pages.close_table()


def _call_cells(statement: Statement, call: Call) -> list[str]:
    number = call.number
    if call.is_collect:
        number = statement.words["collect_from"].format(number=number)
    amount = statement.money(call.amount)
    if call.status in ("covered", "free"):
        amount = statement.words[f"amount_{call.status}"]
    return [
        call.start.strftime(f"{statement.date_format} %H:%M:%S"),
        number,
        call.place,
        clock(call.talk_seconds),
        clock(call.charged_seconds),
        statement.money(call.gross),
        statement.money(call.covered) if call.covered else "–",
        amount,
    ]


def _figures(pages: Pages, total: ClassTotal) -> list[str]:
    money = pages.statement.money
    return [
        f"{total.calls:,}".replace(",", pages.statement.thousands),
        minutes_of(total.talk_seconds),
        minutes_of(total.charged_seconds),
        money(total.gross),
        money(total.covered),
        money(total.amount),
    ]


def _draw_notes(pages: Pages):
    notes: Sequence[str] = [
        line
        for name in ("note_columns", "note_zone", "note_hidden")
        for line in pages.wrap(pages.statement.words[name], 7)
    ]
    pages.need(9 * len(notes) + 24)
    pages.down(14)
    pages.rule(LIGHT)
    for note in notes:
        pages.down(9)
        pages.text(0, note, GREY, size=7, font=REGULAR)
