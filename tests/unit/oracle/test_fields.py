"""Which values of fields the oracle takes for right, and where users live."""

import json
from typing import Any

import pytest

from oracle.fields import is_artwork, is_flush, is_impression
from oracle.murmur import home_of, murmur2

FLUSH = {"v": 1, "flush_id": "f", "user_id": "u", "sent_at": 0, "impressions": [None]}
IMPRESSION = {"impression_id": "i", "artwork_id": "a", "seen_at": 0}
ARTWORK = {"pool_id": "p", "ordinal": 0}


def with_text(value: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    """The object with one field as JSON writes it."""
    changed: dict[str, Any] = {**value, name: json.loads(text)}
    return changed


@pytest.mark.parametrize("name", FLUSH)
def test_every_field_of_a_flush_that_is_required_is(name: str) -> None:
    assert is_flush(FLUSH)
    assert not is_flush({key: value for key, value in FLUSH.items() if key != name})


@pytest.mark.parametrize("name", IMPRESSION)
def test_every_field_of_an_impression_that_is_required_is(name: str) -> None:
    assert is_impression(IMPRESSION)
    assert not is_impression({key: value for key, value in IMPRESSION.items() if key != name})


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("v", ["1"], ["2", "1.0", "true", '"1"', "null"]),
        (
            "user_id",
            ['"A.z_0:-9"', json.dumps("a" * 128)],
            ['""', '"é"', '"a b"', '"a\\n"', "1", json.dumps("a" * 129)],
        ),
        ("sent_at", ["0", "-0", "9999999999999"], ["-1", "1.0", "1e3", "true", "null", "10000000000000"]),
        ("impressions", ["[1]"], ["[]", "{}", "null"]),
        ("session_id", ['"s"'], ['""', "null"]),
        ("transport", ['"beacon"', '"replay"'], ['"Beacon"', "null", "[]", "{}"]),
        ("reason", ['"pagehide"'], ['"x"', "1"]),
        ("tier", ['"pro"'], ['"gold"', "false"]),
        (
            "experiments",
            ["{}", '{"a":"b"}', json.dumps({f"{n}": "x" for n in range(16)})],
            ['{"a":1}', '{"":"b"}', "[]"],
        ),
        ("experiments", [], [json.dumps({f"{n}": "x" for n in range(17)}), '{"a":""}', "null"]),
        ("telemetry", ["{}", '{"attempts":1}', '{"else":null}'], ['{"attempts":1.0}', '{"queued":null}', "[]", "null"]),
        ("unknown", ["null", "[1e999]"], []),
    ],
)
def test_fields_of_a_flush(name: str, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not is_flush(with_text(FLUSH, name, text))] == []
    assert [text for text in wrong if is_flush(with_text(FLUSH, name, text))] == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("artwork_id", ['"a"'], ["null", "1"]),
        ("seen_at", ["0", "9999999999999"], ["-1", "0.0", "10000000000000"]),
        ("pool_id", ['"p"'], ['""', "null"]),
        ("dwell_ms", ["0", "9007199254740991"], ["9007199254740992", "1.5", "null", "true"]),
        ("visible", ["0", "1", "0.5", "1.0", "-0.0"], ["1.01", "-0.1", "1e999", "true", "null", '"1"', "2"]),
        ("position", ["7"], ["-7"]),
        ("surface", ['"s"'], ["[]"]),
    ],
)
def test_fields_of_an_impression(name: str, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not is_impression(with_text(IMPRESSION, name, text))] == []
    assert [text for text in wrong if is_impression(with_text(IMPRESSION, name, text))] == []


@pytest.mark.parametrize("value", [None, [], "a", 1, True])
def test_an_impression_is_an_object(value: object) -> None:
    assert not is_impression(value)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("pool_id", ['"p"'], ['""']),
        ("ordinal", ["0", "4294967295"], ["4294967296", "-1", "1.0", "true"]),
        ("retired", ["true", "false"], ["0", "null"]),
        ("created_at", ["0"], ["null", "10000000000000"]),
        ("dna", ["[]", "[1,0.5,-3]"], ["[true]", "[null]", "[1e999]", "null", "[" + "9" * 400 + "]"]),
    ],
)
def test_fields_of_an_artwork(name: str, right: list[str], wrong: list[str]) -> None:
    assert [text for text in right if not is_artwork(with_text(ARTWORK, name, text))] == []
    assert [text for text in wrong if is_artwork(with_text(ARTWORK, name, text))] == []


# Of Kafka's own tests.
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_murmur2_is_that_of_kafka(text: str, value: int) -> None:
    assert murmur2(text.encode()) == value % 2**32
    assert home_of(text, 7) == (value & 0x7FFFFFFF) % 7
