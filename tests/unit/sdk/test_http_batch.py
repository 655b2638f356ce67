"""What shares a request: as much as a collector takes, in order, and each line as it was."""

import gzip
import json
from collections import deque

import pytest

from impression_streams.buffers import Buffer
from impression_streams.encode import impression_json
from impression_streams.http.batch import GZIP_FROM, MAX_BYTES, MAX_FLUSHES, Batch, render, take
from impression_streams.outgoing import Outgoing

HEADER = {"v": 1, "sent_at": 5, "transport": "sdk", "reason": "timer"}


def flush(number: int, user: str = "u1", impressions: int = 1) -> Outgoing:
    shown = [
        impression_json({"impression_id": f"i{number}.{i}" + "x" * 100, "artwork_id": f"a{i}", "seen_at": 4})
        for i in range(impressions)
    ]
    return Outgoing.of_buffer(Buffer(user, 0.0, shown), {**HEADER, "flush_id": f"f{number}", "user_id": user})


def raw(value: bytes) -> Outgoing:
    return Outgoing.of_raw(value, None, None)


def text(batch: Batch, tokens: dict[str, str] | None = None) -> bytes:
    body = render(batch.items, tokens or {})
    return gzip.decompress(body.data) if body.is_gzip else body.data


def test_at_most_500_flushes_are_taken_in_order() -> None:
    ready = deque(flush(number, f"u{number}") for number in range(MAX_FLUSHES + 2))
    first, second = take(ready), take(ready)
    assert [item.flush_id for item in first.items] == [f"f{number}" for number in range(MAX_FLUSHES)]
    assert [item.flush_id for item in second.items] == ["f500", "f501"]
    assert not ready


def test_the_bytes_of_a_request_stay_within_the_limit_before_they_are_compressed() -> None:
    ready = deque(flush(number, impressions=500) for number in range(20))
    batches = []
    while ready:
        batches.append(take(ready))
    assert [item.flush_id for batch in batches for item in batch.items] == [f"f{number}" for number in range(20)]
    sizes = [len(text(batch)) for batch in batches]
    assert max(sizes) <= MAX_BYTES
    assert sizes == [batch.size for batch in batches]
    assert len(batches) < 10


def test_one_that_is_above_the_limit_goes_alone() -> None:
    ready = deque([flush(1), flush(2, impressions=100), flush(3)])
    assert [len(take(ready, limit=1000).items) for _ in range(3)] == [1, 1, 1]


def test_a_raw_record_has_a_request_of_its_own() -> None:
    ready = deque([flush(1), raw(b"a\nb"), raw(b"c"), flush(2), flush(3)])
    batches = [take(ready) for _ in range(4)]
    assert [len(batch.items) for batch in batches] == [1, 1, 1, 2]
    assert text(batches[1]) == b"a\nb"
    assert render(batches[1].items, {}).lines == [0, 0]


def test_a_line_never_changes_once_it_was_taken() -> None:
    ready = deque([flush(1), flush(2), flush(3)])
    batch = take(ready)
    before = text(batch)
    assert [json.loads(line)["telemetry"] for line in before.splitlines()] == [
        {"attempts": 1, "failures": 0, "queued": queued, "dropped": 0} for queued in (2, 1, 0)
    ]
    one, two = batch.halves()
    assert b"\n".join([text(one), text(two)]) == before
    assert text(batch) == before


@pytest.mark.parametrize("impressions", [1, 50])
def test_gzip_is_used_where_it_saves_something_and_gives_the_same_bytes_again(impressions: int) -> None:
    batch = take(deque([flush(1, impressions=impressions)]))
    body = render(batch.items, {})
    assert body.is_gzip is (batch.size >= GZIP_FROM)
    assert body == render(batch.items, {})
    assert len(body.data) <= batch.size


def test_what_does_not_compress_is_sent_as_it_is() -> None:
    noise = gzip.compress(bytes(range(256)) * 3) * 40
    body = render([raw(noise.replace(b"\n", b"")[:1200])], {})
    assert body.is_gzip is (len(body.data) < 1200)
    assert len(body.data) <= 1200


def test_with_tokens_a_users_flushes_stand_together_after_the_users_token() -> None:
    batch = take(deque([flush(1, "u1"), flush(2, "u2"), flush(3, "u1"), flush(4, "u3")]))
    body = render(batch.items, {"u1": "t1", "u2": "t2", "u3": "t3"})
    lines = [json.loads(line) for line in text(batch, {"u1": "t1", "u2": "t2", "u3": "t3"}).splitlines()]
    assert [line.get("token") or line["flush_id"] for line in lines] == ["t1", "f1", "f3", "t2", "f2", "t3", "f4"]
    assert body.lines == [-1, 0, 2, -1, 1, -1, 3]


def test_with_tokens_so_many_users_share_a_request() -> None:
    ready = deque(flush(number, f"u{number // 2}") for number in range(10))
    batch = take(ready, most_users=3)
    assert [item.user_id for item in batch.items] == ["u0", "u0", "u1", "u1", "u2", "u2"]
