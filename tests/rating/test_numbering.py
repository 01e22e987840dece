"""Every form of §4, over the whole numbering plan."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType, shortnumberinfo
from rating import AREA_CODES, Number, Services, normalise
from rating.const import CARRIERS

DDDS = sorted(AREA_CODES)

# What may stand before DDD and number; {c} is a carrier code.
NATIONAL_FORMS = ["{}", "0{}", "0{c}{}", "55{}", "+55{}", "0055{}", "00{c}55{}"]
COLLECT_FORMS = ["90{}", "90{c}{}"]

# What software writes around a number.
WRITTEN = [
    "{}",
    " {} ",
    "sip:{}@voip.example",
    "<sip:{}@10.0.0.1:5060>;tag=1",
    "tel:{}",
]

digits_like = st.text(alphabet="0123456789", max_size=20)
number_like = st.text(alphabet="0123456789+ ()-./*#@;:sipteltelanonymous", max_size=30)
fixed_numbers = st.from_regex(r"[2-5][0-9]{7}", fullmatch=True)
mobile_numbers = st.from_regex(r"9[0-9]{8}", fullmatch=True)


NATIONWIDE = {*map(str, range(4000, 4010)), "4020", "3003", "3004"}
separators = st.sampled_from(["", " ", "-", ".", "  "])


def separate(digits, separator, every):
    return separator.join(
        digits[at : at + every] for at in range(0, len(digits), every)
    )


def test_there_are_67_ddds():
    assert len(AREA_CODES) == 67


class TestNationalForms:
    @pytest.mark.parametrize("ddd", DDDS)
    @pytest.mark.parametrize("form", NATIONAL_FORMS)
    def test_fixed_and_mobile(self, ddd, form):
        for local, kind in (
            ("20000000", "fixed"),
            ("33334444", "fixed"),
            ("57001234", "fixed"),
            ("40041234", "fixed"),
            ("78123456", "mobile"),
            ("900000000", "mobile"),
            ("991234567", "mobile"),
            ("999999999", "mobile"),
        ):
            for carrier in sorted(CARRIERS) if "{c}" in form else [""]:
                dialled = form.format(ddd + local, c=carrier)
                # The line's own area code has no say: the DDD is written.
                for area_code in (None, "11", ddd):
                    assert normalise(dialled, area_code) == Number(
                        f"55{ddd}{local}", ddd, kind
                    ), dialled

    @pytest.mark.parametrize("ddd", DDDS)
    @pytest.mark.parametrize("form", COLLECT_FORMS)
    def test_collect(self, ddd, form):
        for local, kind in (("33334444", "fixed"), ("991234567", "mobile")):
            for carrier in sorted(CARRIERS) if "{c}" in form else [""]:
                dialled = form.format(ddd + local, c=carrier)
                expected = Number(f"55{ddd}{local}", ddd, kind, is_collect=True)
                assert normalise(dialled, None) == expected, dialled

    @pytest.mark.parametrize("ddd", DDDS)
    def test_local(self, ddd):
        for local, kind in (("33334444", "fixed"), ("991234567", "mobile")):
            expected = Number(f"55{ddd}{local}", ddd, kind)
            assert normalise(local, ddd) == expected
            assert normalise("0" + local, ddd) == expected
            collect = normalise("9090" + local, ddd)
            assert collect.digits == expected.digits
            assert collect.is_collect

    @given(
        st.sampled_from(DDDS),
        st.one_of(fixed_numbers, mobile_numbers),
        st.sampled_from(NATIONAL_FORMS + COLLECT_FORMS),
        st.sampled_from(sorted(CARRIERS)),
        st.sampled_from([None, *DDDS]),
        st.sampled_from(WRITTEN),
        separators,
        st.integers(2, 5),
    )
    def test_any_number_in_any_form_however_written(
        self, ddd, local, form, carrier, area_code, written, separator, every
    ):
        dialled = separate(form.format(ddd + local, c=carrier), separator, every)
        kind = "mobile" if len(local) == 9 else "fixed"
        expected = Number(f"55{ddd}{local}", ddd, kind)
        if form in COLLECT_FORMS:
            expected = expected._replace(is_collect=True)
        assert normalise(written.format(dialled), area_code) == expected

    @given(
        st.sampled_from(DDDS),
        st.one_of(fixed_numbers, mobile_numbers),
        st.sampled_from(["{}", "0{}", "9090{}"]),
        st.sampled_from(WRITTEN),
    )
    def test_any_local_number_is_of_the_lines_ddd(self, ddd, local, form, written):
        if local[:4] in NATIONWIDE and len(local) == 8:
            return
        if local.startswith("900") and form == "0{}":
            return  # 0900 goes before
        number = normalise(written.format(form.format(local)), ddd)
        kind = "mobile" if len(local) == 9 else "fixed"
        assert number == Number(
            f"55{ddd}{local}", ddd, kind, is_collect=form == "9090{}"
        )

    def test_any_two_digits_are_a_carrier_inside_the_country(self):
        for carrier in range(10, 100):
            assert normalise(f"0{carrier}1133334444", "21").digits == "551133334444"
            assert normalise(f"0{carrier}11991234567", "21").digits == "5511991234567"

    @pytest.mark.parametrize(
        "written",
        [
            "+55 (11) 99123-4567",
            "+55 (0)11 99123-4567",
            "(+55) 11 99123.4567",
            "(11) 99123-4567",
            " 11 9 9123 4567 ",
            "11\u00a099123\u20114567",
            "0 15 11 99123-4567",
            "55 0 15 11 99123-4567",
            "tel:+55-11-99123-4567",
            "sip:5511991234567@voip.example;user=phone",
            "SIP:+5511991234567@10.0.0.1:5060",
        ],
    )
    def test_separators_and_addresses(self, written):
        assert normalise(written, "21") == Number("5511991234567", "11", "mobile")

    def test_the_country_code_55_and_the_ddd_55(self):
        santa_maria = Number("5555991234567", "55", "mobile")
        assert normalise("55991234567", "11") == santa_maria
        assert normalise("5555991234567", "11") == santa_maria
        assert normalise("+5555991234567", "11") == santa_maria
        assert normalise("5533334444", "11") == Number("555533334444", "55", "fixed")
        assert normalise("555533334444", "11").digits == "555533334444"
        assert normalise("551133334444", "55").digits == "551133334444"

    @pytest.mark.parametrize("area_code", [None, "", "00", "10", "011", "1", "xx"])
    def test_a_local_number_without_an_area_code_stays_as_it_is(self, area_code):
        for local in ("33334444", "53123456", "951234567", "991234567", "900123456"):
            assert normalise(local, area_code) == Number(local)
        assert normalise("909033334444", area_code) == Number(
            "33334444", is_collect=True
        )

    @pytest.mark.parametrize(
        "dialled",
        [
            "1188887777",  # eight digits, mobile before the ninth
            "1112345678",  # no number begins with 1
            "2633334444",  # 26 is no DDD, and no country has such numbers
            "023333",
            "113333444",
            "011333344445555",
        ],
    )
    def test_what_is_no_number_stays_unknown(self, dialled):
        assert normalise(dialled, "11") == Number(dialled)


class TestWithoutE164:
    @pytest.mark.parametrize("series", ["0300", "0303", "0500", "0800", "0900"])
    @pytest.mark.parametrize("rest", ["1234567", "123456"])
    def test_non_geographic(self, series, rest):
        digits = series + rest
        kind = "free" if series == "0800" else "special"
        expected = Number(digits, None, kind, kind)
        for form in ("{}", "55{}", "+55{}", "+55 {}", "0055{}"):
            for written in (digits, digits[1:]):
                if written == "900123456" and form in ("{}", "55{}"):
                    continue  # a mobile number, in this DDD and in DDD 55
                assert normalise(form.format(written), "11") == expected, form

    @pytest.mark.parametrize("service", ["08001234567", "03001234567", "40041234"])
    def test_in_any_form(self, service):
        expected = normalise(service, None)
        assert expected.digits == service
        bare = service.removeprefix("0")
        forms = ["{}", "0{}", "+55{}", "+55 0{}", "0055{}"]
        forms += [f"00{carrier}55{{}}" for carrier in sorted(CARRIERS)]
        for form in forms:
            for written in WRITTEN:
                for separator in ("", "-", " "):
                    dialled = separate(form.format(bare), separator, 4)
                    for area_code in (None, "11", "55"):
                        number = normalise(written.format(dialled), area_code)
                        assert number == expected, dialled

    def test_ddi_without_a_plus_and_eight_digits_are_santa_marias(self):
        # 55 4004 1234 is DDD 55 and a local number as well, and nothing tells which:
        # ten digits are DDD and number, as for phonenumbers.
        assert normalise("5540041234", "11").digits == "555540041234"
        theirs = phonenumbers.parse("5540041234", "BR")
        assert theirs.national_number == 5540041234

    @pytest.mark.parametrize("prefix", ["4000", "4004", "4009", "4020", "3003", "3004"])
    def test_nationwide(self, prefix):
        expected = Number(prefix + "1234", None, "special", "special")
        assert normalise(prefix + "1234", "11") == expected
        assert normalise(prefix + "1234", None) == expected
        assert normalise("+55" + prefix + "1234", "11") == expected
        # With a DDD it is that DDD's.
        assert normalise("19" + prefix + "1234", "19").area_code == "19"

    @pytest.mark.parametrize(
        "number",
        [100, 128, *range(151, 154), 156, 180, 181, 185, 188]
        + [*range(190, 195), *range(197, 200)],
    )
    def test_emergency(self, number):
        number = str(number)
        expected = Number(number, None, "free", "free")
        for form in ("{}", "0{}", "55{}", "+55{}"):
            assert normalise(form.format(number), "11") == expected

    def test_every_1xx_is_a_service(self):
        for number in range(100, 200):
            found = normalise(str(number), None)
            assert found.digits == str(number)
            assert found.kind in ("free", "special")

    @pytest.mark.parametrize("number", ["10331", "10315", "1056", "10610"])
    def test_longer_services(self, number):
        assert normalise(number, "11") == Number(number, None, "special", "special")

    def test_anatel(self):
        assert normalise("1331", "11") == Number("1331", None, "free", "free")

    @pytest.mark.parametrize(
        "extension", ["1001", "1901", "2001", "4001", "103456", "55123", "55103"]
    )
    def test_extensions_are_no_services(self, extension):
        assert normalise(extension, "11") == Number(extension)


class TestAbroad:
    @pytest.mark.parametrize(
        ("dialled", "digits"),
        [
            ("+12125551234", "12125551234"),
            ("0012125551234", "12125551234"),
            ("002112125551234", "12125551234"),
            ("0015351912345678", "351912345678"),
            ("00351912345678", "351912345678"),
            ("351912345678", "351912345678"),
            ("12125551234", "12125551234"),
            ("00541143211234", "541143211234"),
            ("0021541143211234", "541143211234"),
            ("00442079460958", "442079460958"),
            # 31 and 41 are carriers, and the Netherlands and Switzerland.
            ("0031612345678", "31612345678"),
            ("003131612345678", "31612345678"),
            ("0041446681800", "41446681800"),
            # Both readings fit, and the rest is short: no carrier.
            ("0012495551234", "12495551234"),
        ],
    )
    def test_international(self, dialled, digits):
        assert normalise(dialled, "11") == Number(digits, None, "international")

    def test_a_carrier_where_both_readings_fit(self):
        # Kenya without a carrier, or carrier 25 and Norway: Brazilian dialling asks
        # for a carrier. Who knows that the platform sends none says so.
        assert normalise("00254712345678", "11").digits == "4712345678"
        assert normalise("00254712345678", "11", carriers=()).digits == "254712345678"

    @pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS - {"BR"}))
    def test_every_country(self, region):
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            digits = phonenumbers.format_number(example, PhoneNumberFormat.E164)[1:]
            if len(digits) < 7:
                continue
            expected = Number(digits, None, "international")
            assert normalise("+" + digits, "11") == expected
            # A platform that sends no carrier codes.
            assert normalise("00" + digits, "11", carriers=()) == expected
            # One that does: sure for numbers that are no shorter than ten digits.
            for carrier in sorted(CARRIERS):
                if len(digits) >= 10:
                    assert normalise(f"00{carrier}{digits}", "11") == expected

    def test_the_national_reading_comes_before_a_foreign_one(self):
        # France and Turkey without a prefix: DDD 33, and collect to DDD 53.
        assert normalise("33912345678", "11").digits == "5533912345678"
        assert normalise("905321234567", "11").digits == "555321234567"
        assert normalise("+33912345678", "11").digits == "33912345678"
        assert normalise("+905321234567", "11").digits == "905321234567"


class TestServices:
    def test_an_exact_number_wins_over_a_prefix_and_a_long_prefix_over_a_short(self):
        services = Services(
            {"4*": "special", "4004*": "lc", "40041234": "free", "0800*": "free"}
        )
        assert services.find("40041234") == "free"
        assert services.find("40045678") == "lc"
        assert services.find("45678901") == "special"
        assert services.find("33334444") is None
        assert normalise("40045678", "11", services).service_class == "lc"

    def test_a_number_with_e164_may_be_one(self):
        services = Services({"551133334444": "free"})
        own_support = Number("551133334444", "11", "free", "free")
        for dialled in ("33334444", "1133334444", "0151133334444", "+551133334444"):
            assert normalise(dialled, "11", services) == own_support

    def test_two_tables_do_not_mix(self):
        assert normalise("188", "11", Services({"188": "lc"})).service_class == "lc"
        assert normalise("188", "11").service_class == "free"
        assert normalise("188", "11", Services({})).service_class == "special"

    @pytest.mark.parametrize("key", ["", "*", "19x", "+55190", "1*0", "٣"])
    def test_a_key_is_digits(self, key):
        with pytest.raises(ValueError, match="Service number"):
            Services({key: "free"})

    def test_a_class_is_one_of_ours(self):
        with pytest.raises(ValueError, match="no class 'LC'"):
            Services({"190": "LC"})


class TestAnyText:
    @pytest.mark.parametrize(
        "text",
        ["", " ", "anonymous", "Anonymous <sip:x@y>", "*98", "#", "²", "٣٣", "+"],
    )
    def test_no_number(self, text):
        assert normalise(text, "11") == Number("")

    @given(
        st.one_of(st.text(), digits_like, number_like),
        st.one_of(st.none(), st.text(max_size=3), st.sampled_from(DDDS)),
    )
    def test_never_raises_and_gives_digits(self, text, area_code):
        number = normalise(text, area_code)
        assert number.digits == "" or (
            number.digits.isascii() and number.digits.isdigit()
        )
        if number.kind in ("fixed", "mobile"):
            assert number.area_code in AREA_CODES
            assert number.digits.startswith("55" + number.area_code)
            assert len(number.digits) in (12, 13)
        else:
            assert number.area_code is None
        if number.kind in ("free", "special"):
            assert number.service_class
        else:
            assert number.service_class is None

    @given(st.one_of(digits_like, number_like), st.sampled_from(DDDS))
    def test_what_was_read_reads_the_same_again(self, text, area_code):
        number = normalise(text, area_code)
        if number.kind == "unknown":
            return
        plus = "+" if number.kind == "international" else ""
        again = normalise(plus + number.digits, None)
        assert (again.digits, again.kind) == (number.digits, number.kind)


class TestIndependentOpinion:
    """phonenumbers, where it has one: numbers that it takes for valid."""

    @given(st.sampled_from(DDDS), st.one_of(fixed_numbers, mobile_numbers))
    def test_same_e164(self, ddd, local):
        for dialled in (ddd + local, f"0{ddd}{local}", f"015{ddd}{local}"):
            theirs = phonenumbers.parse(dialled, "BR")
            assert phonenumbers.is_valid_number(theirs)
            e164 = phonenumbers.format_number(theirs, PhoneNumberFormat.E164)
            assert "+" + normalise(dialled, "11").digits == e164

    @given(st.sampled_from(DDDS), st.one_of(fixed_numbers, mobile_numbers))
    def test_same_kind(self, ddd, local):
        theirs = phonenumbers.number_type(phonenumbers.parse(ddd + local, "BR"))
        ours = normalise(ddd + local, None).kind
        assert ours == {
            PhoneNumberType.FIXED_LINE: "fixed",
            PhoneNumberType.MOBILE: "mobile",
        }.get(theirs)

    def test_same_ddds(self):
        for code in range(10, 100):
            theirs = phonenumbers.is_valid_number(
                phonenumbers.parse(f"+55{code}23334444", None)
            )
            assert theirs == (str(code) in AREA_CODES)

    @given(st.from_regex(r"[1-9][0-9]{7,10}", fullmatch=True))
    def test_nothing_valid_in_brazil_stays_unknown(self, national):
        theirs = phonenumbers.parse("+55" + national, None)
        ours = normalise("+55" + national, None)
        if not phonenumbers.is_valid_number(theirs):
            return
        if len(national) == 8 and national[:4] in NOT_NATIONWIDE:
            return
        assert ours.kind != "unknown"

    def test_same_kind_of_every_beginning(self):
        """Two digits that are a DDD or not, then any two of a local number."""
        for code in range(10, 100):
            for head in range(100):
                for rest in ("123456", "1234567"):
                    national = f"{code}{head:02}{rest}"
                    theirs = phonenumbers.parse("+55" + national, None)
                    kind = KINDS[phonenumbers.number_type(theirs)]
                    assert normalise("+55" + national, None).kind == kind, national

    def test_same_nationwide_numbers_but_for_those_explained(self):
        differ = set()
        for head in map(str, range(2000, 10_000)):
            theirs = phonenumbers.parse(f"+55{head}1234", None)
            kind = KINDS[phonenumbers.number_type(theirs)]
            if normalise(f"+55{head}1234", None).kind != kind:
                differ.add(head)
        assert differ == NOT_NATIONWIDE

    @given(
        st.from_regex(r"(800|300|303|500|900)[0-9]{6,7}", fullmatch=True),
        st.sampled_from(["+55{}", "+55 0{}", "0{}"]),
    )
    def test_same_non_geographic_numbers(self, bare, form):
        theirs = phonenumbers.parse(form.format(bare), "BR")
        kind = KINDS[phonenumbers.number_type(theirs)]
        if bare.startswith("30") and len(bare) == 9:
            # Old ones of six digits, which they know after 0500, 0800 and 0900 only.
            assert kind == "unknown"
            kind = "special"
        ours = normalise(form.format(bare), "11")
        assert (ours.digits, ours.kind) == ("0" + bare, kind)

    @given(
        st.sampled_from(DDDS),
        st.one_of(fixed_numbers, mobile_numbers),
        st.sampled_from(["0{c}{}", "90{c}{}", "90{}", "00{c}55{}"]),
        st.sampled_from(sorted(CARRIERS - {"17"})),  # which they do not know
    )
    def test_same_number_behind_any_prefix(self, ddd, local, form, carrier):
        # 0055 without a carrier is no dialling in Brazil: they take 55 for one.
        dialled = form.format(ddd + local, c=carrier)
        theirs = phonenumbers.parse(dialled, "BR")
        e164 = phonenumbers.format_number(theirs, PhoneNumberFormat.E164)
        assert "+" + normalise(dialled, "11").digits == e164

    @pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS - {"BR"}))
    def test_same_country_abroad(self, region):
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        if example is None:
            return
        digits = phonenumbers.format_number(example, PhoneNumberFormat.E164)[1:]
        if len(digits) < 10:
            return  # where two readings fit, shortness decides here
        for carrier in sorted(CARRIERS - {"17"}):
            theirs = phonenumbers.parse(f"00{carrier}{digits}", "BR")
            assert theirs == example
            assert normalise(f"00{carrier}{digits}", "11").digits == digits

    def test_what_they_take_for_an_emergency_is_free(self):
        emergency = [
            number
            for number in map(str, range(100, 1000))
            if shortnumberinfo.is_emergency_number(number, "BR")
        ]
        assert {"112", "190", "192", "193"} <= set(emergency)
        for number in emergency:
            assert normalise(number, "11").kind == "free"

    def test_same_free_short_numbers_but_for_those_explained(self):
        ours, theirs = set(), set()
        for number in map(str, range(100, 100_000)):
            # Behind 55 we find a short number with DDI: 55190.
            if not number.startswith("55") and normalise(number, "11").kind == "free":
                ours.add(number)
            if _cost(number) == shortnumberinfo.ShortNumberCost.TOLL_FREE:
                theirs.add(number)
        assert ours - theirs == FREE_FOR_US
        assert theirs - ours == {"457", *(f"482{last}" for last in range(10))}

    def test_every_short_number_of_1_that_they_know_is_a_service(self):
        known = [
            number
            for number in map(str, [*range(100, 200), *range(1000, 2000)])
            if _is_short(number)
        ]
        known += [n for n in map(str, range(10_000, 20_000)) if _is_short(n)]
        assert len(known) > 100
        for number in known:
            assert normalise(number, "11").kind in ("free", "special"), number


KINDS = {
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.TOLL_FREE: "free",
    PhoneNumberType.SHARED_COST: "special",
    PhoneNumberType.PREMIUM_RATE: "special",
    PhoneNumberType.UNKNOWN: "unknown",
}

NOT_NATIONWIDE = {"3000", "3001", "3002", *map(str, range(3005, 3010)), "4370", "4864"}
"""Nationwide for phonenumbers. Here they are local numbers until a manager lists them:
3000 to 3009 are ordinary exchanges of large towns too, and of the other two no public
offer is known."""

FREE_FOR_US = {
    # Emergency services for Anatel, and so free: children's councils, Procon, Ibama,
    # municipal guard, city services.
    *("125", "151", "152", "153", "156"),
    # Health, CVV and Anatel, which say so themselves.
    *("136", "188", "1331", "1332"),
}


def _short_number(number):
    return phonenumbers.PhoneNumber(country_code=55, national_number=int(number))


def _is_short(number):
    return shortnumberinfo.is_valid_short_number_for_region(_short_number(number), "BR")


def _cost(number):
    return shortnumberinfo.expected_cost_for_region(_short_number(number), "BR")
