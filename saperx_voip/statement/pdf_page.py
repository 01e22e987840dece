"""Pages with a head, a foot and tables that go on from one to the next."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader, simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

from .content import Statement

PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN = 32
WIDTH = PAGE_WIDTH - 2 * MARGIN
BOTTOM = 46
ROW = 10.6
PADDING = 3
REGULAR, BOLD = 0, 1
TEXT = HexColor("#1f2937")
GREY = HexColor("#6b7280")
LIGHT = HexColor("#d1d5db")
PALE = HexColor("#f3f4f6")
WATERMARK = HexColor("#6b7280")
LOGO = (120, 42)


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    """Of its title among the words."""
    width: float
    is_right: bool = False


class Pages:
    """A cursor that goes down the pages. Lengths are points; ``y`` grows upwards."""

    def __init__(self, statement: Statement, file: BinaryIO):
        self.statement = statement
        self.fonts = _fonts(*statement.fonts) if statement.fonts else _fonts()
        self.color = _color(statement.color)
        # Neither times nor random ids in it: made again it is the same.
        self.canvas = Canvas(
            file,
            pagesize=A4,
            invariant=1,
            pageCompression=1,
            lang=statement.language.replace("_", "-"),
        )
        self.canvas.setTitle(statement.words["title"])
        self.canvas.setAuthor(statement.provider.name)
        self.canvas.setSubject(statement.customer.name)
        self.number = 0
        self.y = 0.0
        self.section = ""
        self.table: tuple[Sequence[Column], str] | None = None
        self.is_striped = False
        self._widths: dict[str, float] = {}
        self._begin_page()

    def save(self):
        self._end_page()
        # The foot of every page refers to this, which is known only now.
        self.canvas.beginForm("page_count", 0, 0, 60, 10)
        self.canvas.setFont(self.fonts[REGULAR], 7)
        self.canvas.setFillColor(GREY)
        self.canvas.drawString(0, 2, str(self.number))
        self.canvas.endForm()
        self.canvas.save()

    # Pages

    def need(self, height: float):
        """Begin another page unless so much room is left on this one."""
        if self.y - height < BOTTOM:
            self._end_page()
            self._begin_page()

    def begin_section(self, title: str, needed: float):
        self.section = title
        self.need(needed)

    def _begin_page(self):
        self.number += 1
        self.y = PAGE_HEIGHT - MARGIN
        if self.number == 1:
            self._draw_letterhead()
        else:
            self._draw_running_head()
        if self.table:
            columns, title = self.table
            self.text(0, title, font=BOLD, size=8.5)
            self.down(5)
            self._draw_head(columns)

    def _end_page(self):
        words = self.statement.words
        if self.statement.is_preview:
            self._draw_watermark()
        self.y = MARGIN - 4
        self.rule(LIGHT, above=10)
        self.text(0, self.section, GREY, size=7, width=WIDTH - 100)
        label = words["page"].format(number=self.number)
        font = self.fonts[REGULAR]
        # Room for a count of four digits.
        place = MARGIN + WIDTH - 18
        self.canvas.setFont(font, 7)
        self.canvas.drawRightString(place, self.y, f"{label} ")
        self.canvas.saveState()
        self.canvas.translate(place, self.y - 2)
        self.canvas.doForm("page_count")
        self.canvas.restoreState()
        self.canvas.showPage()

    def _draw_watermark(self):
        text = self.statement.words["watermark"]
        canvas = self.canvas
        canvas.saveState()
        canvas.translate(PAGE_WIDTH / 2, PAGE_HEIGHT / 2)
        canvas.rotate(52)
        # Over the page, so that nothing hides it, and faint, so that it hides nothing.
        canvas.setFillColor(WATERMARK)
        canvas.setFillAlpha(0.16)
        canvas.setFont(self.fonts[BOLD], 44)
        width = canvas.stringWidth(text, self.fonts[BOLD], 44)
        canvas.scale(min(1, 760 / width), min(1, 760 / width))
        canvas.drawCentredString(0, -14, text)
        canvas.restoreState()

    def _draw_letterhead(self):
        statement = self.statement
        top = self.y
        logo = self._read_logo()
        left = 0.0
        if logo:
            width, height = logo.getSize()
            scale = min(LOGO[0] / width, LOGO[1] / height)
            left = width * scale + 14
            self.canvas.drawImage(
                logo,
                MARGIN,
                top - height * scale,
                width * scale,
                height * scale,
                mask="auto",
            )
        self.down(11)
        provider = statement.provider
        self.text(left, provider.name, font=BOLD, size=11, width=300)
        for detail in provider.details:
            self.down(10)
            self.text(left, detail, GREY, size=7.5, width=320)
        bottom = min(self.y, top - (LOGO[1] if logo else 30))
        self.y = top - 14
        self.right_text(statement.words["title"], self.color, size=15, font=BOLD)
        self.down(13)
        self.right_text(statement.words["subtitle"], GREY, size=8)
        self.y = bottom - 10
        self.rule(self.color, thickness=1.2)
        self.down(14)

    def _draw_running_head(self):
        statement = self.statement
        self.down(6)
        names = f"{statement.provider.name} · {statement.customer.name}"
        self.text(0, names, GREY, size=7.5, width=WIDTH - 150)
        self.right_text(statement.words["title"], GREY, size=7.5)
        self.down(6)
        self.rule(LIGHT)
        self.down(16)

    def _read_logo(self):
        if not self.statement.logo:
            return None
        try:
            logo = ImageReader(io.BytesIO(self.statement.logo))
            logo.getRGBData()
            return logo
        except Exception:  # of a picture that Pillow cannot read, such as SVG
            return None

    # Texts

    def down(self, height: float):
        self.y -= height

    def rule(self, color, thickness=0.5, above=0.0):
        self.canvas.setStrokeColor(color)
        self.canvas.setLineWidth(thickness)
        y = self.y + above
        self.canvas.line(MARGIN, y, MARGIN + WIDTH, y)

    def box(self, height: float):
        """A box below the cursor, which is left at its first line of text."""
        self.canvas.setFillColor(PALE)
        bottom = self.y - height + 6
        self.canvas.roundRect(MARGIN, bottom, WIDTH, height, 5, stroke=0, fill=1)
        self.down(8)

    def text(self, x, text, color=TEXT, size=8.0, font=REGULAR, width=None):
        name = self.fonts[font]
        if width is not None:
            text = self.fit(text, width, size, font)
        self.canvas.setFillColor(color)
        self.canvas.setFont(name, size)
        self.canvas.drawString(MARGIN + x, self.y, text)

    def right_text(self, text, color=TEXT, size=8.0, font=REGULAR):
        self.canvas.setFillColor(color)
        self.canvas.setFont(self.fonts[font], size)
        self.canvas.drawRightString(MARGIN + WIDTH, self.y, text)

    def wrap(self, text: str, size: float) -> list[str]:
        return simpleSplit(text, self.fonts[REGULAR], size, WIDTH)

    def fit(self, text: str, width: float, size: float, font=REGULAR) -> str:
        """As much of a text as there is room for."""
        name = self.fonts[font]
        if pdfmetrics.stringWidth(text, name, size) <= width:
            return text
        # Whoever sends kilobytes as a city has no more of them measured.
        text = text[: int(width)]
        while text and pdfmetrics.stringWidth(f"{text}…", name, size) > width:
            text = text[:-1]
        return f"{text}…"

    def heading(self, title: str, more: str = ""):
        self.need(60)
        self.down(22)
        self.text(0, title, self.color, size=11, font=BOLD, width=WIDTH - 160)
        if more:
            self.right_text(self.fit(more, 150, 8), GREY, size=8)
        self.down(9)

    # Tables

    def open_table(self, columns: Sequence[Column], continued: str):
        """Rows follow; on each further page the title and the heads come again."""
        self._draw_head(columns)
        self.table = columns, continued

    def close_table(self):
        self.table = None
        self.end_table()

    def end_table(self):
        self.down(4)

    def head(self, columns: Sequence[Column]):
        self.need(ROW * 3)
        self._draw_head(columns)

    def _draw_head(self, columns):
        self.is_striped = False
        words = self.statement.words
        titles = [
            simpleSplit(
                words[column.name], self.fonts[BOLD], 7, column.width - 2 * PADDING
            )
            for column in columns
        ]
        count = max(map(len, titles))
        height = 8.4 * count + 5
        self.canvas.setFillColor(self.color)
        self.canvas.rect(MARGIN, self.y - height, WIDTH, height, stroke=0, fill=1)
        self.canvas.setFillColor(HexColor("#ffffff"))
        self.canvas.setFont(self.fonts[BOLD], 7)
        x = MARGIN
        for column, lines in zip(columns, titles, strict=True):
            y = self.y - height + 4 + 8.4 * (len(lines) - 1)
            for line in lines:
                if column.is_right:
                    self.canvas.drawRightString(x + column.width - PADDING, y, line)
                else:
                    self.canvas.drawString(x + PADDING, y, line)
                y -= 8.4
            x += column.width
        self.down(height)

    def row(self, columns: Sequence[Column], cells: Sequence[str]):
        self.need(ROW + 4)
        self._draw_cells(columns, cells, REGULAR, 8, 12)
        self.rule(LIGHT)

    def total_row(self, columns, cells, spans: int = 1):
        """:param spans: how many columns the first text may take"""
        self.need(ROW + 4)
        self._draw_cells(columns, cells, BOLD, 8, 13, spans)
        self.rule(self.color, thickness=0.8, above=13)

    def _draw_cells(self, columns, cells, font, size, height, spans=1):
        self.down(height)
        x = 0.0
        room = sum(column.width for column in columns[:spans])
        for place, (column, cell) in enumerate(zip(columns, cells, strict=True)):
            width = (column.width if place else room) - 2 * PADDING
            if column.is_right:
                self.canvas.setFillColor(TEXT)
                name = self.fonts[font]
                self.canvas.setFont(name, size)
                self.canvas.drawRightString(
                    MARGIN + x + column.width - PADDING,
                    self.y + 3.6,
                    self.fit(cell, width, size, font),
                )
            elif cell:
                self.y += 3.6
                self.text(x + PADDING, cell, size=size, font=font, width=width)
                self.y -= 3.6
            x += column.width

    def call_row(self, columns, cells, status):
        """One of thousands: a single text object, and widths that are remembered."""
        self.need(ROW + 14)
        self.down(ROW)
        canvas = self.canvas
        if self.is_striped:
            canvas.setFillColor(PALE)
            canvas.rect(MARGIN, self.y, WIDTH, ROW, stroke=0, fill=1)
        self.is_striped = not self.is_striped
        name = self.fonts[REGULAR]
        text = canvas.beginText()
        text.setFont(name, 7.5)
        text.setFillColor(TEXT)
        x = MARGIN
        y = self.y + 2.8
        for column, cell in zip(columns, cells, strict=True):
            if column.is_right:
                if column is columns[-1] and status in ("covered", "free"):
                    text.setFillColor(GREY)
                place = x + column.width - PADDING - self._width(cell)
            else:
                room = column.width - 2 * PADDING
                if self._width(cell) > room:
                    cell = self.fit(cell, room, 7.5)
                place = x + PADDING
            text.setTextOrigin(place, y)
            text.textOut(cell)
            x += column.width
        canvas.drawText(text)

    def _width(self, text):
        if (width := self._widths.get(text)) is None:
            width = pdfmetrics.stringWidth(text, self.fonts[REGULAR], 7.5)
            if len(self._widths) > 50_000:
                self._widths.clear()
            self._widths[text] = width
        return width


@lru_cache(maxsize=4)
def _fonts(regular: str = "", bold: str = "") -> tuple[str, str]:
    """Names of fonts as the canvas knows them; of files that cannot be read, those that
    every reader of PDF has."""
    try:
        names = []
        for kind, path in (("regular", regular), ("bold", bold)):
            name = f"saperx-statement-{kind}"
            pdfmetrics.registerFont(TTFont(name, path))
            names.append(name)
        return tuple(names)
    except (OSError, TTFError):
        return "Helvetica", "Helvetica-Bold"


def _color(text: str):
    try:
        return HexColor(text)
    except ValueError:
        return HexColor("#374151")
