"""Who held what: the numbers that a line presented."""

from datetime import datetime

import pytest
from rating import Directory, NumberHolding

OCTOBER = datetime(2026, 10, 15)
NOVEMBER = datetime(2026, 11, 16)
DECEMBER = datetime(2026, 12, 24)
JANUARY = datetime(2027, 1, 10)

LEFT_FIRST = NumberHolding("555433334444", 1, None, NOVEMBER, is_main=True)
LEFT_THEN = NumberHolding("555133334444", 1, None, DECEMBER, is_main=True)
SECOND = NumberHolding("552133334444", 1, None, DECEMBER)
PRESENT = NumberHolding("551133334444", 1, None, None, is_main=True)
FREEPHONE = NumberHolding("08001234567", 1, None, None, is_main=True)


@pytest.mark.parametrize(
    ("numbers", "moment", "area_code"),
    [
        # Who was main then, whoever is now.
        ([PRESENT, SECOND, LEFT_THEN, LEFT_FIRST], OCTOBER, "54"),
        ([PRESENT, SECOND, LEFT_THEN, LEFT_FIRST], NOVEMBER, "51"),
        ([PRESENT, SECOND, LEFT_THEN, LEFT_FIRST], DECEMBER, "11"),
        # A line without numbers is where it last was.
        ([LEFT_FIRST, SECOND, LEFT_THEN], JANUARY, "51"),
        ([LEFT_FIRST], JANUARY, "54"),
        # What has no area code says nothing of it.
        ([FREEPHONE, SECOND], OCTOBER, "21"),
        ([FREEPHONE], OCTOBER, None),
        ([], OCTOBER, None),
    ],
)
def test_a_line_calls_from_where_its_main_number_was(numbers, moment, area_code):
    assert Directory((), (), numbers).area_code(1, moment) == area_code
