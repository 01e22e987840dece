"""Telephone numbers as those see them who may not see them whole."""

# Who sees whom a line speaks with: technicians diagnose, billing answers for amounts.
SEES_NUMBERS = "saperx_voip.group_technician,saperx_voip.group_billing"
# Who sees calls to hidden services, such as reporting lines, at all.
SEES_HIDDEN = "saperx_voip.group_billing"
HIDDEN_DIGITS = 4
DOT = "•"

_OF_A_NUMBER = frozenset("0123456789+-.()/ \N{NO-BREAK SPACE}")


def mask_number(text: str, shown_digits: int | None = None) -> str:
    """A number, however it is written, without its last digits.

    Of a text that is more than a number (an address, a name) no digit is shown: nobody
    knows which of them are the last.

    :param shown_digits: no more than these at its beginning; None: all but the last
    """
    digits = sum(char.isnumeric() for char in text)
    shown = digits - HIDDEN_DIGITS
    if shown_digits is not None:
        shown = min(shown, shown_digits)
    if not _OF_A_NUMBER.issuperset(text):
        shown = 0
    masked = []
    for char in text:
        if char.isnumeric():
            char = char if shown > 0 else DOT
            shown -= 1
        masked.append(char)
    return "".join(masked)
