"""The worker decides as the oracle does: in any order, with any duplication, chunks, crashes and sweeps."""

from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.rules import Record
from streams.core import seen as seen_module
from streams.core.catalogue import Catalogue
from streams.core.partitioner import partition_of
from streams.kafka import names
from streams.state import partition_state as state_module
from streams.state import segments
from tests.property.logs import (
    LATENESS,
    PARTITIONS,
    SETTINGS,
    T0,
    USERS,
    WINDOW,
    Draft,
    append,
    catalogues,
    drafts,
    events,
    flush_of,
    log_of,
    sizes,
)
from tests.support.against_oracle import artwork, assert_same
from tests.support.memory_log import Event, MemoryLog, Worker, instead_of_kafka


def decided(
    records: list[Draft],
    catalogue: list[Record],
    chunks: list[int] | None = None,
    happening: list[Event] | None = None,
) -> MemoryLog:
    """Decide a log with a catalogue that is known from the start."""
    log, known = log_of(records), Catalogue()
    for record in catalogue:
        known.apply(record.key, record.value)
    with instead_of_kafka(log):
        Worker(log, known, chunks or [5], happening or [Event.NOTHING]).drain()
    return log


@given(drafts, catalogues)
def test_any_log_is_decided_as_the_oracle_says(records: list[Draft], catalogue: list[Record]) -> None:
    log = decided(records, catalogue)
    assert_same(log, catalogue)
    accepted = log.rows(names.ACCEPTED)
    assert len({row["event_id"] for row in accepted}) == len(accepted)


@given(drafts, st.data())
def test_any_order_and_any_duplication_are_decided_as_the_oracle_says(
    records: list[Draft], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(records), max_size=len(records)))
    assert_same(decided(data.draw(st.permutations(records + again)), []))


@given(drafts, catalogues, sizes, st.sampled_from([0, 5_000, 10_000]), st.sampled_from([1, 8, 64]), st.booleans())
def test_sizes_of_chunks_caches_and_segments_change_no_decision(
    records: list[Draft], catalogue: list[Record], chunks: list[int], cached: int, closed_at: int, compact: bool
) -> None:
    with (
        mock.patch.object(seen_module, "FEW", 0 if compact else seen_module.FEW),
        mock.patch.object(state_module, "CACHE_BYTES", cached),
        mock.patch.object(segments, "CLOSED_AT", closed_at),
        mock.patch.object(segments, "LARGEST", 2 * closed_at),
        mock.patch.object(state_module, "SWEPT_PER_CHUNK", 2),
    ):
        assert_same(decided(records, catalogue, chunks), catalogue)


@given(drafts, catalogues, sizes, events)
def test_crashes_rewinds_and_lost_stores_change_no_decision(
    records: list[Draft], catalogue: list[Record], chunks: list[int], happening: list[Event]
) -> None:
    with mock.patch.object(segments, "CLOSED_AT", 16), mock.patch.object(state_module, "SWEPT_PER_CHUNK", 1):
        assert_same(decided(records, catalogue, chunks, happening), catalogue)


@given(drafts, st.integers(0, 20), st.integers(0, 40))
def test_a_replay_from_any_offset_is_dropped(records: list[Draft], first: int, length: int) -> None:
    log = log_of(records)
    with instead_of_kafka(log):
        worker = Worker(log, Catalogue())
        worker.drain()
        for number, held in worker.held.items():
            run = log.source[number][first : first + length]
            assert not run or held.decide(run) is None
    assert_same(log)


@given(drafts, st.sampled_from([0, 1, 2_000]), sizes)
def test_the_pace_of_sweeps_changes_no_decision(records: list[Draft], swept: int, chunks: list[int]) -> None:
    with mock.patch.object(state_module, "SWEPT_PER_CHUNK", swept):
        assert_same(decided(records, [], chunks))


@given(drafts, drafts, drafts, st.lists(st.sampled_from([0, 1, 5, 9, 100]), min_size=2, max_size=2), sizes)
def test_a_changed_lateness_never_accepts_what_an_earlier_one_forgot(
    first: list[Draft], second: list[Draft], third: list[Draft], lateness: list[int], chunks: list[int]
) -> None:
    log = log_of(first)
    with instead_of_kafka(log), mock.patch.object(state_module, "SWEPT_PER_CHUNK", 1):
        Worker(log, Catalogue(), chunks).drain()
        for seconds, records in zip(lateness, (second, third), strict=True):
            log.change_lateness(seconds)
            append(log, records)
            Worker(log, Catalogue(), chunks).drain()
    accepted = assert_same(log).accepted
    assert len(accepted) == len(log.rows(names.ACCEPTED))


def test_raising_the_lateness_gives_no_event_id_twice() -> None:
    """The case that a reader of the last release found: the old window was swept, and then wasn't late any more."""
    log, home = MemoryLog(SETTINGS, PARTITIONS), partition_of("u1", PARTITIONS)
    with instead_of_kafka(log):
        for n, seen_at in enumerate((T0, T0 + 2 * LATENESS, T0 + 3 * LATENESS)):
            log.append(home, T0 + n * LATENESS * 2, flush_of("u1", T0, [("a", seen_at)]))
            Worker(log, Catalogue()).drain()
        log.change_lateness(1_000)
        log.append(home, log.now, flush_of("u1", T0, [("a", T0 + 1)]))
        Worker(log, Catalogue()).drain()
    assert [row["reason"] for row in log.rows(names.REJECTED)] == ["late"]
    ids = [row["event_id"] for row in log.rows(names.ACCEPTED)]
    assert len(ids) == len(set(ids)) == 3
    assert_same(log)


@given(
    st.integers(-3 * WINDOW, 3 * WINDOW),
    st.integers(-WINDOW - 1, WINDOW + 1),
    st.integers(0, WINDOW) | st.integers(0, 3 * LATENESS),
    st.sampled_from([0, 1, WINDOW, LATENESS]),
)
@settings(max_examples=400)
def test_a_sweep_deletes_nothing_that_may_still_be_matched(near: int, apart: int, back: int, later: int) -> None:
    """Even if the broker's clock steps back, as it may when another broker leads."""
    log = MemoryLog(SETTINGS, PARTITIONS)
    first = T0 - LATENESS + near
    home = partition_of("u1", PARTITIONS)
    for appended_at, artwork_id, seen_at in [
        (T0 - later, "a", first),
        (T0, "b", T0),
        (T0, "c", T0),
        (T0 - back, "a", first + apart),
    ]:
        log.append(home, appended_at, flush_of("u1", appended_at, [(artwork_id, seen_at)]))
    with instead_of_kafka(log), mock.patch.object(state_module, "CACHE_BYTES", 0):
        Worker(log, Catalogue(), [1, 2, 3]).drain()
    assert_same(log)


def test_what_falls_into_a_window_that_is_being_swept_is_judged_as_if_it_were_gone() -> None:
    log = MemoryLog(SETTINGS, PARTITIONS)
    home, old = partition_of("u1", PARTITIONS), T0 - 10 * LATENESS
    many = [[(f"{name}{n}", old) for n in range(20)] for name in "xy"]
    for n, impressions in enumerate((many[0], [("a", T0)], many[1], [("z", old)], [("b", T0)])):
        now = T0 + n * WINDOW  # each chunk's sweep goes a window further
        log.append(home, now, flush_of("u1", now, [*impressions]))
    with (
        instead_of_kafka(log),
        mock.patch.object(segments, "CLOSED_AT", 16),
        mock.patch.object(state_module, "SWEPT_PER_CHUNK", 2),
        mock.patch.object(state_module, "CACHE_BYTES", 0),
    ):
        Worker(log, Catalogue(), [1]).drain()
    assert len(assert_same(log).accepted) == 43


@given(drafts, catalogues, sizes, events, st.booleans())
def test_coverage_follows_changes_of_the_catalogue_at_the_next_impression(
    records: list[Draft], catalogue: list[Record], chunks: list[int], happening: list[Event], compact: bool
) -> None:
    log, known, news = log_of(records), Catalogue(), iter(catalogue)

    def learn() -> None:
        if (record := next(news, None)) is not None:
            known.apply(record.key, record.value)

    with instead_of_kafka(log), mock.patch.object(seen_module, "FEW", 0 if compact else seen_module.FEW):
        worker = Worker(log, known, chunks, happening, learn)
        worker.drain()
        for record in news:
            known.apply(record.key, record.value)
        for user_id in USERS:
            log.append(0, log.now, flush_of(user_id, log.now, [None]))
        worker.drain()
    assert_same(log, catalogue)


@given(drafts, st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, unique=True))
def test_coverage_of_a_fixed_pool_never_falls(records: list[Draft], artworks: list[bytes]) -> None:
    catalogue = [artwork(key, b'{"pool_id":"p","ordinal":%d}' % n) for n, key in enumerate(artworks)]
    log = decided(records, catalogue, [1])
    last: dict[str, float] = {}
    for row in log.rows(names.COVERAGE):
        assert row["coverage"] >= last.get(row["user_id"], 0)
        assert row["coverage"] + row["freshness"] == 1
        assert row["pool_size"] == len(artworks)
        last[row["user_id"]] = row["coverage"]
