"""The table of service numbers: what may stand in it, and what many of them cost."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating import (
    CALL_CLASSES,
    DEFAULT_SERVICES,
    SERVICE_CLASSES,
    Services,
    can_be_service,
    normalise,
)
from rating.numbering import _normalise

digits_like = st.text(alphabet="0123456789", max_size=14)


class TestEqualTables:
    def test_are_one_object(self):
        assert Services(dict(SERVICE_CLASSES)) is DEFAULT_SERVICES
        backwards = dict(reversed(SERVICE_CLASSES.items()))
        assert Services(backwards) is DEFAULT_SERVICES
        assert Services({"190": "free"}) is not Services({"190": "special"})
        assert Services({"190": "free"}) is not Services({"190*": "free"})

    def test_built_anew_forget_no_number(self):
        normalise("11987654321", "11", Services({"190": "free"}))
        before = _normalise.cache_info()
        normalise("11987654321", "11", Services({"190": "free"}))
        after = _normalise.cache_info()
        assert (after.hits, after.misses) == (before.hits + 1, before.misses)

    def test_do_not_pile_up(self):
        _normalise.cache_clear()
        gc.collect()
        before = len(Services._known)
        for number in range(1000):
            normalise("190", "11", Services({f"{number:05}": "free"}))
        _normalise.cache_clear()
        gc.collect()
        assert len(Services._known) <= before

    def test_a_wrong_table_is_wrong_each_time(self):
        for _time in range(2):
            with pytest.raises(ValueError):
                Services({"19x": "free"})


class TestWhatCanBeAService:
    @pytest.mark.parametrize("key", sorted(SERVICE_CLASSES))
    def test_all_defaults(self, key):
        assert can_be_service(key.removesuffix("*"), is_prefix=key.endswith("*"))

    @pytest.mark.parametrize(
        "number",
        [
            *("1133334444", "11991234567"),  # found in E.164 only
            *("991234567", "2633334444"),
            *("0800", "08001234", "0190", "+190", "19x", "", "٣"),
        ],
    )
    def test_what_is_never_found_as_a_number(self, number):
        assert not can_be_service(number, is_prefix=False)

    @pytest.mark.parametrize(
        "prefix",
        ["551133", "5511", "1133334444", "0", "40", "1", "020", "19x", "", "٣"],
    )
    def test_what_is_never_found_as_a_prefix(self, prefix):
        assert not can_be_service(prefix, is_prefix=True)

    @pytest.mark.parametrize(
        ("digits", "dialled"),
        [
            ("1400", "1400"),
            ("551133334444", "3333-4444"),
            ("5511991234567", "0 15 11 99123-4567"),
            ("08001234567", "+55 800 123 4567"),
            ("12125551234", "00 21 1 212 555 1234"),
        ],
    )
    def test_a_number_that_can_be_one_is_found_in_any_form(self, digits, dialled):
        assert can_be_service(digits, is_prefix=False)
        number = normalise(dialled, "11", Services({digits: "lc"}))
        assert (number.digits, number.service_class) == (digits, "lc")

    @given(digits_like, st.sampled_from(CALL_CLASSES))
    def test_it_is_found_if_and_only_if_it_can_be_one(self, digits, call_class):
        if not digits:
            return
        number = normalise(digits, None, Services({digits: call_class}))
        is_found = number.digits == digits and number.service_class == call_class
        # "special" is what some numbers are without being listed.
        if call_class != "special":
            assert is_found == can_be_service(digits, is_prefix=False)

    @given(digits_like, st.text(alphabet="0123456789", max_size=8))
    def test_a_prefix_that_cannot_be_one_of_three_digits_finds_nothing(
        self, digits, more
    ):
        if len(digits) < 3 or can_be_service(digits, is_prefix=True):
            return
        number = normalise(digits + more, None, Services({digits + "*": "lc"}))
        if not digits.startswith("55"):
            assert number.service_class != "lc"
