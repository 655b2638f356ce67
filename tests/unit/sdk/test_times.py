"""Times as callers give them: a datetime or ms since the epoch; what is in another unit is refused by name."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impression_streams import Flush, ImpressionProducer
from impression_streams.ids import now_ms
from impression_streams.times import MOST_AHEAD_MS, flush_times, seen_ms

MS = 1_764_489_600_123
FLUSH: dict[str, Any] = {"v": 1, "flush_id": "f", "user_id": "u", "sent_at": MS}


def flush_seen(at: object) -> dict[str, Any]:
    return {**FLUSH, "impressions": [{"impression_id": "i", "artwork_id": "a", "seen_at": at}]}


@pytest.mark.parametrize(
    "given_",
    [
        MS,
        datetime(2025, 11, 30, 8, 0, 0, 123_999, UTC),
        datetime(2025, 11, 30, 9, 30, 0, 123_000, timezone(timedelta(minutes=90))),
    ],
)
def test_a_datetime_is_taken_in_any_zone_and_rounded_down(given_: object) -> None:
    assert seen_ms(given_) == MS
    assert flush_times(flush_seen(given_))["impressions"][0]["seen_at"] == MS


@given(st.datetimes(datetime(1974, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC)))
def test_no_float_is_between_a_datetime_and_its_ms(moment: datetime) -> None:
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    milliseconds = seen_ms(moment)
    assert isinstance(milliseconds, int)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds) == whole


REFUSED = [
    (MS // 1000, r"1764489600 is 1970-01-21 in ms since the epoch, which are expected \(seconds\?"),
    (100_000_000, "seconds"),
    (99_999_999_999, "seconds"),
    (MS / 1000, r"1764489600\.123 is a float; .*not time\.time\(\)"),
    (MS * 1000, "microseconds or nanoseconds"),
    (MS * 1_000_000, "microseconds or nanoseconds"),
    (datetime(2025, 11, 30, 8), r"has no zone: use datetime\.now\(UTC\)"),
    (datetime(9999, 1, 1, tzinfo=UTC), "beyond the year 2286"),
]


@pytest.mark.parametrize(("value", "said"), REFUSED)
def test_another_unit_is_refused_with_a_sentence(value: Any, said: str) -> None:
    with ImpressionProducer("127.0.0.1:1") as producer:
        with pytest.raises(ValueError, match=f"^seen_at: .*({said})"):
            producer.record("u", "a", value)
        with pytest.raises(ValueError, match=rf"^impressions\.0\.seen_at: .*({said})"):
            producer.send_flush(flush_seen(value))
        assert producer.stats.recorded == 0


@pytest.mark.parametrize("value", [0, 1, 99_999_999])
def test_a_clock_that_counts_from_somewhere_else_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="in ms since the epoch"):
        seen_ms(value)


def test_more_than_a_day_ahead_is_refused_as_the_stream_would() -> None:
    assert seen_ms(now_ms() + MOST_AHEAD_MS - 60_000)
    with pytest.raises(ValueError, match=r"^seen_at: .* is more than a day ahead"):
        seen_ms(now_ms() + MOST_AHEAD_MS + 60_000)


def test_no_time_is_now() -> None:
    before = now_ms()
    now = seen_ms(None)
    assert isinstance(now, int)
    assert before <= now <= now_ms()


def test_a_flush_that_the_model_made_passes_unchanged() -> None:
    flush = Flush.model_validate(flush_seen(4))
    given_ = flush.model_dump(exclude_unset=True)
    assert flush_times(given_) == given_


@pytest.mark.parametrize("impressions", [None, 5, "x", [5], [{}], ({"seen_at": None},)])
def test_what_is_no_flush_is_left_to_the_contracts_check(impressions: object) -> None:
    with ImpressionProducer("127.0.0.1:1") as producer, pytest.raises(ValueError, match=r"^impressions"):
        producer.send_flush({**FLUSH, "impressions": impressions})
