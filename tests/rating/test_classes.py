"""The class of a call (§4)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating import (
    AREA_CODES,
    CALL_CLASSES,
    LOCAL_SINCE,
    Number,
    Services,
    classify,
    normalise,
    rule_class,
)

DDDS = sorted(AREA_CODES)
BEFORE = date(2026, 1, 10)


def own_class(dialled, area_code="11", **options):
    return classify(normalise(dialled, area_code), area_code=area_code, **options)


@pytest.mark.parametrize(
    ("dialled", "expected"),
    [
        ("33334444", "lc"),
        ("1133334444", "lc"),
        ("01233334444", "ldn"),
        ("02133334444", "ldn"),
        ("991234567", "vc1"),
        ("11991234567", "vc1"),
        ("12991234567", "vc2"),
        ("19991234567", "vc2"),
        ("21991234567", "vc3"),
        ("91991234567", "vc3"),
        ("0012125551234", "ldi"),
        ("+541143211234", "ldi"),
        ("08001234567", "free"),
        ("190", "free"),
        ("188", "free"),
        ("03001234567", "special"),
        ("40041234", "special"),
        ("30031234", "special"),
        ("102", "special"),
        ("10331", "special"),
        ("2001", "unknown"),
        ("", "unknown"),
        ("anonymous", "unknown"),
    ],
)
def test_from_sao_paulo(dialled, expected):
    assert own_class(dialled) == expected


FORMS = ["{}", "0{}", "015{}", "9021{}", "90{}", "55{}", "+55{}", "0055{}", "001555{}"]


def by_the_book(area_code, other, is_mobile):
    """§4, said once more."""
    if is_mobile:
        if other == area_code:
            return "vc1"
        return "vc2" if other[0] == area_code[0] else "vc3"
    return "lc" if other == area_code else "ldn"


@pytest.mark.parametrize("area_code", DDDS)
def test_every_pair_of_ddds_in_every_form(area_code):
    for other in DDDS:
        for local in ("33334444", "991234567"):
            expected = by_the_book(area_code, other, len(local) == 9)
            for form in FORMS:
                assert own_class(form.format(other + local), area_code) == expected


@given(
    st.sampled_from(DDDS),
    st.sampled_from(DDDS),
    st.from_regex(r"[2-5][0-9]{7}|9[0-9]{8}", fullmatch=True),
    st.sampled_from(FORMS),
)
def test_any_number_of_any_pair_of_ddds(area_code, other, local, form):
    expected = by_the_book(area_code, other, len(local) == 9)
    assert own_class(form.format(other + local), area_code) == expected


@pytest.mark.parametrize("area_code", [None, "", "10", "011"])
def test_without_an_area_code_only_what_needs_none(area_code):
    assert own_class("11991234567", area_code) == "unknown"
    assert own_class("1133334444", area_code) == "unknown"
    assert own_class("+12125551234", area_code) == "ldi"
    assert own_class("190", area_code) == "free"
    assert own_class("40041234", area_code) == "special"


def test_internal_is_what_the_platform_says_but_emergency_stays_free():
    assert own_class("2001", internal=True) == "internal"
    assert own_class("33334444", internal=True) == "internal"
    assert own_class("40041234", internal=True) == "internal"
    assert own_class("190", internal=True) == "free"


def test_same_ddd_is_local_whatever_the_date():
    assert own_class("33334444", on=BEFORE, local_since=LOCAL_SINCE) == "lc"


def test_a_service_has_the_class_of_its_record():
    services = Services({"4004*": "lc"})
    number = normalise("40041234", "11", services)
    assert classify(number, area_code="11") == "lc"


class TestRulingClass:
    LOCAL = Number("551133334444", "11", "fixed")
    LONG = Number("552133334444", "21", "fixed")
    MOBILE = Number("5511991234567", "11", "mobile")

    def rule(self, platform_class, own_class, number, **options):
        return rule_class(platform_class, own_class, number, area_code="11", **options)

    @pytest.mark.parametrize(
        "platform_class", [c for c in CALL_CLASSES if c != "unknown"]
    )
    def test_the_platform_wins(self, platform_class):
        assert self.rule(platform_class, "vc1", self.MOBILE) == platform_class

    @pytest.mark.parametrize("platform_class", [None, "", "unknown", "VC9", "LC"])
    def test_ours_where_the_platform_says_nothing_known(self, platform_class):
        assert self.rule(platform_class, "vc1", self.MOBILE) == "vc1"

    @pytest.mark.parametrize("platform_class", [None, *CALL_CLASSES])
    @pytest.mark.parametrize(
        "dialled",
        ["190", "0190", "+55190", "sip:190@voip.example", "08001234567"]
        + ["8001234567", "+55 800 123 4567", "0055 800 123 4567", "1331", "911"],
    )
    def test_emergency_and_free_stay_free(self, platform_class, dialled):
        assert self.rule(platform_class, "free", normalise(dialled, "11")) == "free"

    def test_ldn_inside_a_ddd_is_local_from_its_day_on(self):
        rule = self.rule
        assert rule("ldn", "lc", self.LOCAL, on=date(2026, 6, 20)) == "ldn"
        assert rule("ldn", "lc", self.LOCAL, on=date(2026, 6, 21)) == "lc"
        assert rule("ldn", "lc", self.LOCAL) == "lc"

    @pytest.mark.parametrize("area_code", DDDS)
    def test_every_pair_of_ddds_around_its_day(self, area_code):
        day = LOCAL_SINCE[area_code]
        days = {day - timedelta(days=1): "ldn", day: "lc", date(2027, 1, 1): "lc"}
        for other in DDDS:
            for local in ("33334444", "991234567"):
                number = normalise(other + local, area_code)
                own = classify(number, area_code=area_code)
                for on, inside in days.items():
                    expected = inside if own == "lc" else "ldn"
                    ruled = rule_class("ldn", own, number, area_code=area_code, on=on)
                    assert ruled == expected, (other, local, on)

    def test_the_days_can_be_replaced(self):
        since = {"11": date(2025, 1, 1)}
        for day, expected in ((date(2024, 12, 31), "ldn"), (date(2025, 1, 1), "lc")):
            ruled = self.rule("ldn", "lc", self.LOCAL, on=day, local_since=since)
            assert ruled == expected
        # A DDD without a day was always one local area.
        assert self.rule("ldn", "lc", self.LOCAL, on=BEFORE, local_since={}) == "lc"

    def test_before_its_day_the_platform_decides_and_else_it_is_local(self):
        assert self.rule("ldn", "lc", self.LOCAL, on=BEFORE) == "ldn"
        assert self.rule("lc", "lc", self.LOCAL, on=BEFORE) == "lc"
        assert self.rule(None, "lc", self.LOCAL, on=BEFORE) == "lc"

    def test_only_fixed_numbers_of_the_same_ddd(self):
        today = date(2026, 7, 1)
        assert self.rule("ldn", "ldn", self.LONG, on=today) == "ldn"
        assert self.rule("ldn", "vc1", self.MOBILE, on=today) == "ldn"
        assert (
            rule_class("ldn", "unknown", self.LOCAL, area_code=None, on=today) == "ldn"
        )

    def test_the_nine_steps_cover_all_ddds(self):
        assert set(LOCAL_SINCE) == AREA_CODES
        steps = sorted(set(LOCAL_SINCE.values()))
        assert (len(steps), steps[0], steps[-1]) == (
            9,
            date(2026, 1, 11),
            date(2026, 6, 21),
        )


@given(
    st.text(max_size=20),
    st.one_of(st.none(), st.sampled_from(DDDS)),
    st.one_of(st.none(), st.sampled_from(CALL_CLASSES), st.text(max_size=4)),
    st.booleans(),
)
def test_any_call_has_a_class(text, area_code, platform_class, internal):
    number = normalise(text, area_code)
    ours = classify(number, area_code=area_code, internal=internal)
    assert ours in CALL_CLASSES
    assert rule_class(platform_class, ours, number, area_code=area_code) in CALL_CLASSES
