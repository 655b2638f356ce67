"""Times: read in any form, with one unit for a column, which is never chosen for a value."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import UserError
from streams.produce.fields import Unreadable
from streams.produce.times import EARLIEST, LATEST, PER_SECOND, TimeColumn, TimeRule, TimeUnit, milliseconds

AT = 1_574_553_634_762  # 2019-11-24 00:00:34.762 UTC
DAY = 1_574_553_600_000


def column(unit: TimeUnit = "auto", **rule: Any) -> TimeColumn:
    return TimeColumn(TimeRule(unit, **rule), "f.csv", "at")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("2019-11-24 00:00:34.762830+00:00", "auto", AT),
        ("2019-11-24T00:00:34.762830Z", "auto", AT),
        ("2019-11-24T01:00:34.7628+01:00", "auto", AT),
        ("2019-11-24 00:00:34.762", "auto", AT),
        ("2019-11-24 00:00:34.762 UTC", "auto", AT),
        (" 2019-11-24 00:00:34,762 ", "auto", AT),
        ("2019-11-24T00:00:34.762830999z", "auto", AT),
        ("2019-11-24 01:00:34.762 +0100", "auto", AT),
        ("2019-11-24 01:00:34.762 Europe/Berlin", "auto", AT),
        ("2019-11-23T21:00:34.762-03:00[America/Argentina/Buenos_Aires]", "auto", AT),
        ("2019-11-24", "auto", DAY),
        (date(2019, 11, 24), "auto", DAY),
        (AT // 1000, "auto", AT // 1000 * 1000),
        (AT / 1000, "auto", AT),
        (f"{AT / 1000}", "auto", AT),
        (Decimal(AT) / 1000, "auto", AT),
        (AT, "auto", AT),
        (str(AT), "auto", AT),
        (f"{AT}.0", "auto", AT),
        (AT * 1000 + 830, "auto", AT),
        (AT * 1_000_000 + 830, "auto", AT),
        (str(AT * 1_000_000 + 830), "auto", AT),
        (5, "ms", 5),
        ("5", "s", 5000),
        (0.001, "s", 1),
        ("0.0019999999", "s", 1),
        (datetime(2019, 11, 24, 0, 0, 34, 762_999), "auto", AT),
        (datetime(2019, 11, 24, 0, 0, 34, 762_999, UTC), "auto", AT),
    ],
)
def test_times_are_read_in_any_form(value: object, unit: TimeUnit, expected: int) -> None:
    assert column(unit).read(2, value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            "soon",
            "nan",
            "inf",
            float("inf"),
            float("nan"),
            Decimal("Infinity"),
            True,
            None,
            [],
            -1,
            0,
            "0",
            "-5.5",
        ),
        *(
            "1e400",
            "1.57455E+12",
            "2300-01-01",
            "01/02/2024",
            "2024-01-31 15:30:45 Europe/Nowhere",
            "2024-10-27 02:30:00 Europe/Berlin",
            "1_700_000_000",
        ),
        *("\u0661" * 10, "9" * 200, Unreadable("a time from another world")),
    ],
)
def test_a_value_that_is_not_a_time_is_one_bad_row(value: object) -> None:
    with pytest.raises(ValueError, match="a time "):
        column().read(2, value)


@given(st.sampled_from(get_args(TimeUnit)[1:]), st.lists(st.integers(EARLIEST, LATEST - 1), min_size=2))
def test_a_column_in_any_unit_is_read_in_that_unit(unit: TimeUnit, seconds: list[int]) -> None:
    times = column()
    assert [times.read(n, s * PER_SECOND[unit]) for n, s in enumerate(seconds)] == [s * 1000 for s in seconds]


@pytest.mark.parametrize(
    "value",
    [
        *(14102100, 20141021, 201410210000, 20141021000000, "20141021235959", 20141021000000123),  # dates in digits
        *(61, 81, "1295999", 1_295_999_990, 43831.5, 2e13),  # offsets, a spreadsheet's day number
    ],
)
def test_digits_that_are_dates_or_offsets_are_refused_with_the_options_named(value: object) -> None:
    with pytest.raises(UserError, match=r"f.csv:7: at has .* --time-unit s, .* --time-format .* --time-origin"):
        column().read(7, value)


@pytest.mark.parametrize("digits", ["2014102100", "1410210000", "1912311559"])
def test_ten_digits_that_may_be_seconds_or_a_date_are_refused_at_the_end(digits: str) -> None:
    times = column()
    times.read(2, digits)
    with pytest.raises(UserError, match=r"may be seconds or a date .* --time-unit s or --time-format %"):
        times.close()
    stated = column("s")
    assert stated.read(2, digits) == int(digits) * 1000
    stated.close()


def test_seconds_of_which_one_is_no_date_are_seconds() -> None:
    times = column()
    times.read(2, 1410210000)
    times.read(3, 1410279999)
    times.close()


@pytest.mark.parametrize("second", [AT // 1000, AT * 1000, str(AT // 1000)])
def test_a_column_of_two_units_is_refused(second: object) -> None:
    times = column()
    times.read(2, AT)
    with pytest.raises(UserError, match=r"at mixes units: 1574553634762 in row 2 would be ms, .* in row 9 "):
        times.read(9, second)


def test_a_column_may_hold_numbers_and_texts() -> None:
    times = column()
    assert times.read(2, AT) == times.read(3, "2019-11-24T00:00:34.762Z") == times.read(4, float(AT))


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        ("14102101", "%y%m%d%H", 1_413_853_200_000),
        (14102101, "%y%m%d%H", 1_413_853_200_000),
        ("11/13/2019 8:36:57 AM", "%m/%d/%Y %I:%M:%S %p", 1_573_634_217_000),
        ("31.01.2024", "%d.%m.%Y", 1_706_659_200_000),
    ],
)
def test_a_format_reads_what_it_says(value: object, pattern: str, expected: int) -> None:
    assert column(pattern=pattern).read(2, value) == expected


def test_a_value_that_is_not_in_the_format_is_one_bad_row() -> None:
    with pytest.raises(ValueError, match="as --time-format %d/%m/%Y says"):
        column(pattern="%d/%m/%Y").read(2, "2024-01-31")


def test_a_zone_is_for_times_that_name_none() -> None:
    rule = TimeRule(zone="Asia/Shanghai")
    assert milliseconds("2024-01-31 08:00:00", rule) == milliseconds("2024-01-31T00:00:00Z", rule)
    with pytest.raises(UserError, match="--time-zone takes the name of a zone, as Europe/Berlin, not 'Etc/Nowhere'"):
        TimeRule(zone="Etc/Nowhere")


def test_a_zone_behind_a_time_has_times_that_are_twice_too() -> None:
    with pytest.raises(ValueError, match="clocks are changed in Europe/Berlin then"):
        column().read(2, "2024-10-27 02:30:00 Europe/Berlin")


@pytest.mark.parametrize("value", ["2024-03-31 02:30:00", "2024-10-27 02:30:00", datetime(2024, 10, 27, 2, 30)])
def test_a_time_that_is_never_or_twice_when_clocks_change_is_one_bad_row(value: object) -> None:
    with pytest.raises(ValueError, match="clocks are changed in Europe/Berlin then"):
        column(zone="Europe/Berlin").read(2, value)
    assert column().read(2, value) > 0
    assert column(zone="Europe/Berlin").read(2, "2024-10-27 02:30:00+02:00") > 0


def test_numbers_may_count_from_another_time_than_1970() -> None:
    assert column("ms", origin=1_465_876_799_998).read(2, "61") == 1_465_876_800_059
    with pytest.raises(UserError, match="--time-origin needs --time-unit"):
        TimeRule(origin=5)


def test_a_time_on_its_own_has_a_unit_or_is_not_a_number() -> None:
    assert milliseconds("2019-11-24", TimeRule()) == DAY
    assert milliseconds(5, TimeRule("s")) == 5000
    with pytest.raises(ValueError, match="the unit"):
        milliseconds(AT, TimeRule())
