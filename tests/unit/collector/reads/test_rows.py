"""Rows are read from records as the worker writes them."""

from typing import Any

import pytest

from streams.collector.reads.rows import Row, UnreadableError, read
from streams.provision import topics_file
from streams.settings import Settings
from tests.support.rows import T0, accepted
from tests.support.sink import joined


def test_a_record_of_the_worker_is_read_line_by_line() -> None:
    rows = [accepted("u1", f"a{n}", T0 + n, fresh=n == 0) for n in range(3)]
    assert read(joined(rows)) == [Row(**{name: each[name] for name in Row.__struct_fields__}) for each in rows]


def test_the_topics_own_example_is_read() -> None:
    topic = topics_file.load(Settings())["impressions.accepted.v1"]
    values: list[Any] = [example.value for example in topic.examples]
    assert [read(joined(value))[0].artwork_id for value in values] == ["a0042"]


@pytest.mark.parametrize(
    "value", [None, b"", b"{}", b"[]", b'{"event_id":1}', b"\xff", joined([accepted("u", "a")]) + b"\n"]
)
def test_what_the_worker_never_writes_is_not_guessed_at(value: bytes | None) -> None:
    with pytest.raises(UnreadableError):
        read(value)
