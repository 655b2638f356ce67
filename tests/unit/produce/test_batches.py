"""The clock and the batches of a replay."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import UserError
from streams.produce.batches import batches, make_flush
from streams.produce.columns import Columns
from streams.produce.readers import read
from streams.produce.rows import Envelope, Row
from streams.produce.timeline import Timeline

times = st.integers(0, 9_999_999_999_999)
DAY = 86_400_000


def row(user: str, seen_at: int, number: int = 1, envelope: Envelope | None = None, session: str = "") -> Row:
    return Row("f", number, user, seen_at, {"impression_id": f"i{number}", "artwork_id": "a"}, session, envelope)


@given(
    st.lists(times, min_size=2, max_size=20), st.none() | st.integers(1, DAY), st.none() | st.just(9_000_000_000_000)
)
def test_a_timeline_keeps_the_order_and_hits_both_ends(seen: list[int], span: int | None, end: int | None) -> None:
    seen.sort()
    first, last = seen[0], seen[-1]
    try:
        timeline = Timeline(first, last, end, span)
    except UserError:
        landing = last if end is None else end
        length = last - first if span is None or first == last else span
        assert landing - length < 0
        return
    mapped = [timeline.map(ms) for ms in seen]
    assert mapped == sorted(mapped)
    assert mapped[-1] == (last if end is None else end)
    assert mapped[-1] - mapped[0] == (last - first if span is None or first == last else span)
    if span is None:
        assert [b - a for a, b in pairwise(mapped)] == [b - a for a, b in pairwise(seen)]


def test_a_timeline_that_would_begin_before_1970_is_refused() -> None:
    with pytest.raises(UserError, match="1970"):
        Timeline(0, DAY, rebase_to=DAY - 1)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60_000), st.sampled_from(["", "s1"]))),
    st.integers(1, 4),
    st.integers(1, 20_000),
)
def test_batches_hold_every_row_once_and_no_batch_is_too_long(
    seen: list[tuple[str, int, str]], size: int, interval: int
) -> None:
    rows = [row(user, at, n, session=session) for n, (user, at, session) in enumerate(sorted(seen, key=lambda s: s[1]))]
    found = list(batches(rows, Timeline(0, 60_000), size, interval))
    assert Counter(r.number for b in found for r in b.rows) == Counter(range(len(rows)))
    assert [b.at for b in found] == sorted(b.at for b in found)
    for batch in found:
        assert 1 <= len(batch.rows) <= size
        assert len({(r.user_id, r.session_id) for r in batch.rows}) == 1
        first, last = batch.rows[0].seen_at, batch.rows[-1].seen_at
        assert last - first < interval
        assert (batch.reason, batch.at) == (("size", last) if len(batch.rows) == size else ("timer", first + interval))


def test_the_interval_is_measured_on_the_plays_clock() -> None:
    rows = [row("u", at, at) for at in (0, 8_000, 16_000)]
    assert [len(b.rows) for b in batches(rows, Timeline(0, 16_000), 200, 5_000)] == [1, 1, 1]
    assert [len(b.rows) for b in batches(rows, Timeline(0, 16_000, compress_to=2_000), 200, 5_000)] == [3]


def test_a_whole_flush_stays_together_and_is_sent_with_its_last_row() -> None:
    header = {"v": 1, "flush_id": "f9", "user_id": "u", "sent_at": 0, "tier": "pro", "transport": "beacon"}
    envelope = Envelope(header, 2)
    rows = [row("u", 0, 1, envelope), row("u", 10, 2), row("u", 90_000, 3, envelope)]
    timeline = Timeline(0, 90_000, rebase_to=1_000_000)
    found = [(b.at, make_flush(b, timeline)) for b in batches(rows, timeline, 200, 1_000)]
    assert [(at, f.flush_id == "f9", f.transport) for at, f in found] == [
        (911_010, False, "replay"),
        (1_000_000, True, "beacon"),
    ]
    assert [i.seen_at for i in found[1][1].impressions] == [910_000, 1_000_000]


def test_flush_ids_are_the_same_in_each_run_unless_new_ones_are_wanted() -> None:
    timeline = Timeline(0, 2)
    (batch,) = batches([row("u", 0), row("u", 1, 2)], timeline, 200, 5_000)
    first, again = make_flush(batch, timeline), make_flush(batch, timeline)
    assert first.flush_id == again.flush_id != make_flush(batch, timeline, new_ids=True).flush_id


def test_a_hundred_files_are_read_as_one_log(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("logs")
    for n in range(100):
        (folder / f"{n}.csv").write_text(f"user_id,artwork_id,seen_at\nu,a{n},2026-01-01\n")
    rows = list(read(sorted(folder.iterdir()), Columns(pool_id="main")))
    assert {r.fields["artwork_id"] for r in rows} == {f"a{n}" for n in range(100)}
    assert {r.fields["pool_id"] for r in rows} == {"main"}
    assert len({r.fields["impression_id"] for r in rows}) == 100
