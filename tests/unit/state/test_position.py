"""The position's codec."""

import orjson
import pytest

from streams.core.codec import CodecError
from streams.state import position
from streams.state.position import Position

HERE = Position("Xx2cLjtHSmidEHwrjk9qMQ", 18, 600_000, 4)


@pytest.mark.parametrize("value", [HERE, Position("", 0, 1, 1), Position("t", 2**63 - 1, 86_400_000, 10_000)])
def test_positions_round_trip(value: Position) -> None:
    assert position.decode(position.encode(value)) == value


def test_the_packed_form_is_json_that_an_operator_can_read() -> None:
    assert orjson.loads(position.encode(HERE)) == {
        "codec": 2,
        "topic_id": "Xx2cLjtHSmidEHwrjk9qMQ",
        "next_offset": 18,
        "window_ms": 600_000,
        "partitions": 4,
        "line": 0,
        "swept": 0,
    }


def test_advancing_changes_only_the_place() -> None:
    assert HERE.at(19) == Position(HERE.topic_id, 19, HERE.window_ms, HERE.partitions)
    assert HERE.at(19, 4_000) == Position(HERE.topic_id, 19, HERE.window_ms, HERE.partitions, line=4_000)


def test_what_was_swept_never_comes_back() -> None:
    swept = HERE.at(19, swept=600_000)
    assert swept.swept == swept.at(20).swept == swept.at(20, swept=0).swept == 600_000


def test_the_last_release_s_positions_are_read() -> None:
    old = b'{"codec":1,"topic_id":"Xx2cLjtHSmidEHwrjk9qMQ","next_offset":18,"window_ms":600000,"partitions":4}'
    assert position.decode(old) == HERE


def test_a_newer_codec_version_is_refused() -> None:
    with pytest.raises(CodecError, match="position table holds codec version 3"):
        position.decode(position.encode(HERE).replace(b'"codec":2', b'"codec":3'))
