"""Numbers as people read them, in a few characters."""

import pytest

from streams.top import units


@pytest.mark.parametrize(
    ("value", "expected"),
    list(
        zip(
            [None, 0, 0.44, 12.0, 1234.5, 123_456, 1_234_567, 5e9],
            ["-", "0", "0.4", "12", "1,234", "123.5 k", "1.2 M", "5.0 G"],
            strict=True,
        )
    ),
)
def test_counts_and_rates(value: float | None, expected: str) -> None:
    assert units.number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    list(
        zip(
            [None, 0, 0.0004, 0.012, 0.44, 75, 600, 36_000, 900_000],
            ["-", "0 s", "0.4 ms", "12 ms", "0.4 s", "75 s", "10 min", "10 h", "10 d"],
            strict=True,
        )
    ),
)
def test_time_spans(value: float | None, expected: str) -> None:
    assert units.seconds(value) == expected


def test_shares_and_sizes() -> None:
    assert (units.share(None), units.share(0.1234)) == ("-", "12.3 %")
    assert (units.size(0), units.size(300 * 1024**2), units.size(5 * 1024**4)) == ("0 B", "300 MiB", "5 TiB")


def test_bars_end_with_the_newest_and_reach_the_top_at_the_greatest() -> None:
    assert units.bars([1, 9, 0, 3.5, 7], 4) == "█▁▄▆"
    assert units.bars([0, 0], 9) == "▁▁"
    assert units.bars([1, 2], 0) == ""
