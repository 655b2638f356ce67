"""The values of a file become an artwork's fields, or are refused with a reason; nothing is guessed."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from streams.catalogue_load import values

NOON = 1_732_449_600_000  # 2024-11-24 12:00 UTC


@pytest.mark.parametrize("value", [NOON, str(NOON), float(NOON), "2024-11-24T12:00:00Z", "2024-11-24 14:00:00+02:00"])
def test_a_time_is_ms_or_iso_8601(value: object) -> None:
    assert values.moment(None)(value) == NOON


@pytest.mark.parametrize("value", [datetime(2024, 11, 24, 12, tzinfo=UTC), datetime(2024, 11, 24, 12)])
def test_a_time_of_parquet_is_utc_unless_it_has_a_zone(value: datetime) -> None:
    assert values.moment(None)(value) == NOON
    assert values.moment(None)(date(2024, 11, 24)) == NOON - 12 * 3_600_000


@pytest.mark.parametrize(("unit", "number"), [("s", NOON // 1000), ("us", NOON * 1000), ("ns", NOON * 1_000_000)])
def test_a_number_is_read_in_the_unit_that_was_named(unit: values.TimeUnit, number: int) -> None:
    assert values.moment(unit)(number) == values.moment(unit)(str(number)) == NOON


def test_seconds_are_refused_and_not_taken_for_1970() -> None:
    with pytest.raises(ValueError, match=r"in January 1970: say --time-unit s"):
        values.moment(None)(NOON // 1000)
    assert values.moment("ms")(NOON // 1000) == NOON // 1000
    assert values.moment(None)(0) == 0  # unknown, as the record's default is


@pytest.mark.parametrize("value", ["soon", "2024-13-01", -1, NOON * 1000, True, [NOON], "1e3", float("inf"), 1.5])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="time"):
        values.moment(None)(value)


@pytest.mark.parametrize("value", [5, "5", 5.0, " 5 "])
def test_an_ordinal_is_a_whole_number(value: object) -> None:
    assert values.ordinal(value) == 5


@pytest.mark.parametrize("value", [-1, 2**32, "5.5", 5.5, True, "five", "1" * 30])
def test_what_is_no_ordinal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="whole number"):
        values.ordinal(value)


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), (1, True), ("TRUE", True), ("f", False), (0.0, False), (" no ", False)]
)
def test_a_truth_is_a_boolean_a_number_or_a_word(value: object, expected: bool) -> None:
    assert values.retired(value) is expected


@pytest.mark.parametrize("value", ["maybe", 2, "", [True], -1])
def test_what_is_no_truth_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="true or false"):
        values.retired(value)


@pytest.mark.parametrize("value", [[0.5, 1], (0.5, 1), "[0.5, 1]"])
def test_dna_is_a_list_of_numbers_or_its_json(value: object) -> None:
    assert orjson.loads(values.dna(value)) == [0.5, 1.0]
    assert values.dna([]) == b"[]"


@pytest.mark.parametrize("value", ["0.5,1", [float("nan")], [1, "2"], [True], {"a": 1}, 0.5, "[NaN]", [10**400]])
def test_what_is_no_dna_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="finite numbers"):
        values.dna(value)


def test_absent_are_null_nan_and_the_words_for_no_value() -> None:
    words = frozenset(values.NO_VALUE)
    assert all(values.is_absent(value, words) for value in (None, float("nan"), "", "NULL", r"\N", "NA"))
    present: list[object] = [0, False, "0", "na", [], 0.0]
    assert not any(values.is_absent(value, words) for value in present)
    assert not values.is_absent("NA", frozenset({"", "-"}))
