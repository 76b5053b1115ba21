"""Scanned codes: all forms of one message read the same, and no input raises another error."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalog.codes import FNC1, Code, Form, Unweighed, read_code
from app.domain.rules.codes import check_digit_ok
from app.domain.rules.texts import InvalidText

GTIN = "06901234567892"
SAID = Code(Form.GS1, GTIN, "26A01", date(2026, 12, 31), date(2026, 1, 1))


@pytest.mark.parametrize(
    "text",
    [
        f"]C101{GTIN}172612311026A01{FNC1}11260101",
        f"]d201{GTIN}11260101172612311026A01",
        f"{FNC1}01{GTIN}172612311026A01{FNC1}11260101",
        f"01{GTIN}172612311026A01|11260101",
        f"01{GTIN}11260101172612311026A01{FNC1}",
        f"(01){GTIN}(17)261231(10)26A01(11)260101",
    ],
    ids=["GS1-128", "DataMatrix", "leading FNC1", "bar for FNC1", "trailing FNC1", "printed"],
)
def test_one_message_in_every_form(text: str) -> None:
    assert read_code(text) == SAID


def test_a_digital_link() -> None:
    code = read_code(f"https://id.gs1.org/01/{GTIN}/10/26A01?17=261231&11=260101")
    assert code == Code(Form.DIGITAL_LINK, *(getattr(SAID, f) for f in NAMES))


NAMES = ("name", "batch", "expires_on", "produced_on")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("96385074", "00000096385074"),
        ("036000291452", "00036000291452"),
        ("]E06901234567892", GTIN),
        ("6901234567892", GTIN),
        (GTIN, GTIN),
        # Codes with in-store prefixes or wrong digits are plain codes, not messages of AI 21 or 22.
        ("2012345678903", "02012345678903"),
        ("2112345678909", "2112345678909"),
        ("2212345678901", "2212345678901"),
        ("RICE-5KG", "RICE-5KG"),
        (f"01{GTIN[:-1]}3172612311026A01", f"01{GTIN[:-1]}3172612311026A01"),
    ],
)
def test_plain_codes(text: str, name: str) -> None:
    assert read_code(text) == Code(Form.PLAIN, name)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"]C101{GTIN[:-1]}310A", "CHECK_DIGIT"),
        (f"(01){GTIN[:-1]}3(10)A", "CHECK_DIGIT"),
        ("https://example.com/01/06901234567893", "CHECK_DIGIT"),
        (f"]C101{GTIN}17261331", "FORMAT"),
        (f"]C101{GTIN}17260230", "FORMAT"),
        ("]C1xyz", "FORMAT"),
        ("]C11026A01", "FORMAT"),
        (f"01{GTIN}3106000015", "FORMAT"),
        # Without FNC1 the following elements belong to the batch, which is then too long.
        (f"]C101{GTIN}10{'A' * 15}17261231", "FORMAT"),
    ],
)
def test_what_cannot_be_trusted(text: str, fault: str) -> None:
    assert read_code(text).fault == fault


def test_without_fnc1_the_rest_belongs_to_the_batch() -> None:
    """The standard says so: only FNC1 marks the end of a batch number."""
    assert read_code(f"]C101{GTIN}1026A0117261231").batch == "26A0117261231"


@pytest.mark.parametrize(
    "text",
    [
        f"(17)261231(10)26A01(11)260101(01){GTIN}",
        "(10) 26A01 (17) 261231 (11) 260101 (01) 0690 1234 567892",
        f"]C1172612311026A01{FNC1}1126010101{GTIN}",
        "1726123111260101" + f"01{GTIN}1026A01",
        f"1026A01|1726123101{GTIN}11260101",
        f"（01）{GTIN}（17）261231（10）26A01（11）260101",
    ],
)
def test_elements_in_any_order(text: str) -> None:
    assert read_code(text) == SAID


def test_a_digital_link_in_capitals() -> None:
    code = read_code(f"HTTPS://ID.GS1.ORG/01/{GTIN}/10/26A01?17=261231&11=260101")
    assert code == Code(Form.DIGITAL_LINK, *(getattr(SAID, f) for f in NAMES))


@pytest.mark.parametrize(
    ("dates", "day"),
    [
        ("(15)261231", date(2026, 12, 31)),
        ("(16)261231", date(2026, 12, 31)),
        ("(15)261231(16)261130", date(2026, 11, 30)),
        ("(15)261231(17)271231", date(2027, 12, 31)),
        ("(16)261200", date(2026, 12, 31)),
    ],
)
def test_the_last_day_of_sale(dates: str, day: date) -> None:
    assert read_code(f"(01){GTIN}{dates}(10)B").expires_on == day


@pytest.mark.parametrize(
    ("measure", "weight", "amount", "unweighed"),
    [
        ("(3103)000350", 350, None, None),
        ("(3100)000002", 2000, None, None),
        ("(3200)100000", 45_359_237, None, None),
        ("(3203)000350", None, None, Unweighed.POUNDS),
        ("(3303)000350", None, None, Unweighed.GROSS),
        ("(3303)000400(3103)000350", 350, None, None),
        ("(3922)0532", None, 532, None),
        ("(3922)0532(3103)000350", 350, 532, None),
        ("(3923)0532", None, None, None),
        ("(3932)1560532", None, 532, None),
        ("(3932)9780532", None, None, Unweighed.CURRENCY),
    ],
)
def test_measures(
    measure: str, weight: int | None, amount: int | None, unweighed: Unweighed | None
) -> None:
    code = read_code(f"(01){GTIN}{measure}")
    assert (code.weight, code.amount, code.unweighed) == (weight, amount, unweighed)


def test_a_serial_number() -> None:
    assert read_code(f"(21)S-1(01){GTIN}").serial == "S-1"


@given(st.permutations(["(01)" + GTIN, "(10)26A01", "(17)261231", "(11)260101"]))
def test_no_order_makes_a_difference(elements: list[str]) -> None:
    assert read_code("".join(elements)) == SAID


def test_day_zero_is_the_end_of_the_month() -> None:
    assert read_code(f"01{GTIN}17280200").expires_on == date(2028, 2, 29)


def test_weight_and_count() -> None:
    assert read_code(f"01{GTIN}3103001500").weight == 1500
    assert read_code(f"01{GTIN}3101000015").weight == 1500
    assert read_code(f"02{GTIN}3712").count == 12
    assert read_code(f"01{GTIN}308").count == 8


@pytest.mark.parametrize("text", ["", " ", "a\0b", "x" * 301, "\ud800", FNC1])
def test_what_no_scanner_sends(text: str) -> None:
    with pytest.raises(InvalidText):
        read_code(text)


@given(st.text(max_size=300))
def test_nothing_breaks_it(text: str) -> None:
    try:
        code = read_code(text)
    except InvalidText:
        return
    assert code.fault in (None, "CHECK_DIGIT", "FORMAT")


@given(
    st.text("0123456789|()]C1d2/:htps.", max_size=60), st.sampled_from(["]C1", "01", "(01)", ""])
)
def test_nothing_like_a_code_breaks_it(rest: str, start: str) -> None:
    try:
        code = read_code(start + rest)
    except InvalidText:
        return
    assert code.fault or code.name


BATCHES = st.text("ABCXYZabc0189-", min_size=1, max_size=20)
DAYS = st.integers(0, 9000).map(lambda days: date(2020, 1, 1) + timedelta(days=days))


@given(st.text("0123456789", min_size=13, max_size=13), BATCHES, DAYS, DAYS)
def test_a_message_is_read_back(body: str, batch: str, until: date, produced: date) -> None:
    gtin = next(f"{body}{digit}" for digit in range(10) if check_digit_ok(f"{body}{digit}"))
    text = f"]d201{gtin}17{until:%y%m%d}10{batch}{FNC1}11{produced:%y%m%d}"
    assert read_code(text) == Code(Form.GS1, gtin, batch, until, produced)
