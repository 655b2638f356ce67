"""Ids and numbers, as logs write them: exact, or refused."""

import math
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.produce import fields
from streams.produce.fields import NULL_WORDS, Unreadable

WORDS = frozenset(NULL_WORDS)
SOME_UUID = UUID("0193ab0c-0000-7000-8000-0000000000ff")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(
            ("u1", "u1"),
            (" u1\t", "u1"),
            (b"u1\0\0", "u1"),
            ("0014", "0014"),
            ("1e5", "1e5"),
            ("721d58e10901", "721d58e10901"),
        ),
        *((14, "14"), (14.0, "14"), ("14.0", "14"), ("14.", "14"), ("14.000", "14"), (Decimal("14.0"), "14")),
        *(("-3.0", "-3"), ("1.5", "1.5"), ("1.2.0", "1.2.0")),
        *((2**64, str(2**64)), (2**53, str(2**53)), (float(2**53), str(2**53))),
        *((Decimal("12345678901234567890123"), "12345678901234567890123"), (Decimal("1E+3"), "1000")),
        *((Decimal("9007199254740993.0"), "9007199254740993"), ("9007199254740993.0", "9007199254740993")),
        *((SOME_UUID, str(SOME_UUID)), (SOME_UUID.bytes, str(SOME_UUID)), (b"abcdefghijklmnop", "abcdefghijklmnop")),
    ],
)
def test_an_id_is_text_or_a_whole_number_exactly(value: object, expected: str) -> None:
    assert fields.text(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(True, None, [], {}, 14.5, math.inf, Decimal("1.5"), Decimal("1E+999"), Decimal("Infinity")),
        *(
            float(2**53 + 2),
            1e300,
            "1.23457E+17",
            "1.23457e17",
            Decimal("1.2345678901234568E+19"),
            "caf\udce9",
            Unreadable("no value"),
        ),
    ],
)
def test_what_is_not_an_id_or_has_lost_digits_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        fields.text(value)


@given(st.integers())
def test_a_whole_number_is_one_user_in_whatever_form(number: int) -> None:
    forms: list[object] = [number, str(number), f"{number}.0", Decimal(number)]
    if abs(number) <= 2**53:
        forms.append(float(number))
    if len(str(abs(number))) <= 100:
        assert {fields.text(form) for form in forms} == {str(number)}


@pytest.mark.parametrize(
    ("value", "expected"), [(3, 3), (3.0, 3), ("3", 3), (" 3.0 ", 3), (Decimal("3.00"), 3), ("+3", 3)]
)
def test_integers(value: object, expected: int) -> None:
    assert fields.integer(value) == expected


@pytest.mark.parametrize(
    "value",
    [True, None, "", "x", 1.5, "1.5", "1,000", "1.000,0", "1_000", "1e3", "٣", math.inf, "9" * 400, Decimal("NaN")],
)
def test_what_is_not_an_integer_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        fields.integer(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0,8", 0.8), (",5", 0.5), ("1,0", 1.0), ("0.8", 0.8), (Decimal("0.8"), 0.8), (1, 1.0), ("8e-1", 0.8)],
)
def test_a_share_may_have_a_decimal_comma(value: object, expected: float) -> None:
    assert fields.share(value) == expected


@pytest.mark.parametrize(
    "value", [True, None, "", "x", "2,5", "0,8,1", math.nan, math.inf, 10**400, "1e999", "infinity"]
)
def test_what_is_not_a_share_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="number"):
        fields.share(value)


@pytest.mark.parametrize("value", [None, "", "  ", math.nan, Decimal("NaN"), b"", b"\0\0", *NULL_WORDS, " NULL "])
def test_no_value_in_any_form_is_absent(value: object) -> None:
    assert fields.is_absent(value, WORDS)


@pytest.mark.parametrize("value", [0, False, "0", "nobody", "Nan", "NULLABLE", [], {}, Decimal(0)])
def test_a_value_is_not_absent(value: object) -> None:
    assert not fields.is_absent(value, WORDS)
