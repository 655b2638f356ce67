"""What the SDK makes of its input: lines that the stream accepts, or a ValueError that names the field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from impression_streams import ImpressionProducer, UndeliveredError, encode
from impression_streams.flush import Impression
from impression_streams.ids import derived_id, new_id
from impression_streams.options import CLIENT
from impression_streams.types import MAX_INTEGER, MAX_TIME_MS
from streams.core.decode import MAX_LINE_BYTES, DecodedFlush, decode
from streams.core.partitioner import murmur2

LONGEST = "x" * 128
FLUSH: dict[str, Any] = {
    "v": 1,
    "flush_id": "f",
    "user_id": "u",
    "sent_at": 1,
    "impressions": [{"impression_id": "i", "artwork_id": "a", "seen_at": 1}],
}


@pytest.fixture
def producer() -> Any:
    with ImpressionProducer("127.0.0.1:1", flush_interval=60) as producer:
        yield producer


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", ""),
        ("user_id", None),
        ("user_id", "a b"),
        ("user_id", "x" * 129),
        ("user_id", "u\n"),
        ("artwork_id", 14),
        ("artwork_id", "\ud800"),
        ("seen_at", -1),
        ("seen_at", MAX_TIME_MS + 1),
        ("seen_at", 1.0),
        ("seen_at", True),
        ("impression_id", ""),
        ("pool_id", "ä"),
        ("dwell_ms", True),
        ("dwell_ms", MAX_INTEGER + 1),
        ("visible", 1.01),
        ("visible", float("nan")),
        ("position", "3"),
        ("surface", "a/b"),
    ],
)
def test_a_bad_impression_is_refused_by_field_and_leaves_nothing(
    producer: ImpressionProducer, field: str, value: object
) -> None:
    fields: dict[str, Any] = {"user_id": "u", "artwork_id": "a", field: value}
    with pytest.raises(ValueError, match=f"^{field}: "):
        producer.record(**fields)
    assert producer.stats.recorded == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"v": 2}, "v"),
        ({"impressions": []}, "impressions"),
        ({"impressions": FLUSH["impressions"] * 501}, "impressions"),
        ({"impressions": [{**FLUSH["impressions"][0], "position": None}]}, "impressions.0.position"),
        ({"reason": "because"}, "reason"),
        ({"experiments": {str(i): "x" for i in range(17)}}, "experiments"),
    ],
)
def test_a_bad_flush_is_refused_by_field(producer: ImpressionProducer, change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named}: "):
        producer.send_flush({**FLUSH, **change})
    assert producer.stats.recorded == 0


def test_a_record_above_four_mib_is_refused(producer: ImpressionProducer) -> None:
    with pytest.raises(ValueError, match="4194176 are allowed"):
        producer.send_raw(b"x" * 4_194_176, key="k")
    encode.check_record(4_194_175, "k")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 501}, "batch_size"),
        ({"flush_interval": 0}, "flush_interval"),
        ({"delivery_timeout": 0}, "delivery_timeout"),
        ({"max_buffered": 199}, "max_buffered"),
        ({"max_block": -1}, "max_block"),
        ({"tier": "gold"}, "tier"),
        ({"session_id": "a b"}, "session_id"),
        ({"experiments": {"a b": "c"}}, "experiments"),
        ({"compression": "rar"}, "config"),
        ({"config": {"acks": 1}}, "config: acks can't"),
        ({"config": {"no.such.setting": 1}}, "config: No such"),
    ],
)
def test_a_bad_setting_is_refused_by_name(settings: dict[str, Any], named: str) -> None:
    with pytest.raises((ValueError, KeyError), match=named):
        ImpressionProducer("127.0.0.1:1", **settings)


def test_a_flush_says_which_sdk_sent_it() -> None:
    producer = ImpressionProducer("127.0.0.1:1", flush_interval=60)
    producer.record("u", "a")
    with pytest.raises(UndeliveredError) as caught:
        producer.close(0)
    assert [flush.client for flush in caught.value.flushes] == [CLIENT] == ["python-0.2"]


def test_the_largest_valid_flush_is_far_below_a_lines_limit() -> None:
    impression = encode.impression_json(
        {
            "impression_id": LONGEST,
            "artwork_id": LONGEST,
            "seen_at": MAX_TIME_MS,
            "pool_id": LONGEST,
            "dwell_ms": MAX_INTEGER,
            "visible": 2.2250738585072014e-308,
            "position": MAX_INTEGER,
            "surface": LONGEST,
        }
    )
    header = {
        "v": 1,
        "flush_id": LONGEST,
        "user_id": LONGEST,
        "session_id": LONGEST,
        "sent_at": MAX_TIME_MS,
        "transport": "keepalive",
        "reason": "pagehide",
        "tier": "free",
        "experiments": {f"{i:x<128}": LONGEST for i in range(16)},
        "client": LONGEST,
    }
    most = MAX_INTEGER
    line = encode.close_line(encode.open_line(header, [impression] * 500), attempts=most, queued=most, dropped=most)
    assert isinstance(decode(line), DecodedFlush)
    assert len(line) < 0.36 * MAX_LINE_BYTES


ids = st.text("abcXYZ019._:-", min_size=1, max_size=128)
optional = {
    "pool_id": ids,
    "dwell_ms": st.integers(0, MAX_INTEGER),
    "visible": st.floats(0, 1),
    "position": st.integers(0, MAX_INTEGER),
    "surface": ids,
}
impressions = st.fixed_dictionaries(
    {"impression_id": ids, "artwork_id": ids, "seen_at": st.integers(0, MAX_TIME_MS)}, optional=optional
)


@given(st.lists(impressions, min_size=1, max_size=5), ids)
def test_a_line_decodes_to_what_was_given(given_: list[dict[str, object]], user_id: str) -> None:
    header = {"v": 1, "flush_id": "f", "user_id": user_id, "sent_at": 0, "transport": "sdk", "tier": "pro"}
    line = encode.open_line(header, [encode.impression_json(fields) for fields in given_])
    decoded = decode(encode.close_line(line, attempts=2, queued=3, dropped=4))
    assert isinstance(decoded, DecodedFlush)
    assert decoded.flush.model_dump(exclude_unset=True) == {
        **header,
        "impressions": given_,
        "telemetry": {"attempts": 2, "failures": 1, "queued": 3, "dropped": 4},
    }
    assert encode.parse_flush(encode.flush_json(decoded.flush)) == decoded.flush


def test_unknown_fields_of_a_prepared_flush_are_left_out() -> None:
    flush = encode.check_flush({**FLUSH, "note": "x" * 2_000_000})
    assert json.loads(encode.flush_json(flush)) == FLUSH


def test_ids_are_in_order_of_time_or_derived() -> None:
    first, second = new_id(), new_id()
    assert first != second
    assert first[14] == second[14] == "7"
    assert first[:8] <= second[:8]
    assert derived_id("a", 1) == derived_id("a", "1") != derived_id("a1")


@pytest.mark.parametrize(
    ("text", "java"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_gives_the_same_hashes_as_kafka(text: str, java: int) -> None:
    """The test vectors are those of UtilsTest.testMurmur2 in Apache Kafka."""
    assert murmur2(text.encode()) == java & 0xFFFFFFFF


class OwnFloat(float):
    """A float of a class of its own, such as numpy's."""


@given(
    st.fixed_dictionaries(
        {"impression_id": st.just("i1"), "artwork_id": st.just("a1"), "seen_at": st.integers(0, MAX_TIME_MS)},
        optional={
            "pool_id": st.just("main"),
            "dwell_ms": st.none() | st.integers(0, MAX_INTEGER),
            "visible": st.integers(0, 1) | st.floats(0, 1) | st.floats(0, 1).map(OwnFloat),
            "position": st.integers(0, 10),
            "surface": st.just("gallery"),
        },
    )
)
def test_an_impression_is_the_json_that_its_model_makes(fields: dict[str, Any]) -> None:
    given_fields = {name: value for name, value in fields.items() if value is not None}
    by_model = Impression.model_validate(given_fields).model_dump_json(exclude_unset=True)
    assert json.loads(encode.impression_json(fields)) == json.loads(by_model)
    assert list(json.loads(encode.impression_json(fields))) == list(json.loads(by_model))
