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
        "codec": 1,
        "topic_id": "Xx2cLjtHSmidEHwrjk9qMQ",
        "next_offset": 18,
        "window_ms": 600_000,
        "partitions": 4,
    }


def test_advancing_changes_only_the_offset() -> None:
    assert HERE.at(19) == Position(HERE.topic_id, 19, HERE.window_ms, HERE.partitions)


def test_another_codec_version_is_refused() -> None:
    with pytest.raises(CodecError, match="position table holds codec version 2"):
        position.decode(position.encode(HERE).replace(b'"codec":1', b'"codec":2'))
