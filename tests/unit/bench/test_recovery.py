"""The recovery bench's input is as specified, and its figures are computed correctly."""

from collections import Counter

import pytest

from bench.lib.backlog import ARTWORKS
from bench.lib.follow import Arrivals
from bench.lib.users import FLUSHES_A_RECORD, IMPRESSIONS_A_USER, Packed, packed, probes
from bench.recovery import kill
from bench.recovery.kill import How, Kill, judge
from bench.recovery.restart import Restored, Start, middle, restored_in
from bench.recovery.run import Stage, cells, computed, start_rows, windows
from bench.recovery.starts import Sizes
from bench.recovery.state import TEMPLATES, Load, templates
from streams.core import seen, window
from streams.core.decode import DecodedFlush, InvalidImpression, decode
from streams.core.partitioner import partition_of
from streams.settings import Settings

PARTITIONS = 4
START, SPAN = 1_732_431_600_000, 3_600_000
USERS = 1_003
MIB = 1 << 20


def flushes(records: list[Packed]) -> list[tuple[int, DecodedFlush]]:
    found = []
    for record in records:
        for line in record.value.split(b"\n"):
            decoded = decode(line)
            assert isinstance(decoded, DecodedFlush)
            found.append((record.partition, decoded))
    return found


def test_every_user_has_one_valid_flush_in_their_own_partition() -> None:
    found = flushes(list(packed(USERS, PARTITIONS, START, SPAN)))
    assert len({flush.flush.user_id for _, flush in found}) == len(found) == USERS
    for partition, flush in found:
        assert partition == partition_of(flush.flush.user_id, PARTITIONS)
        assert len(flush.impressions) == IMPRESSIONS_A_USER
        assert not any(isinstance(each, InvalidImpression) for each in flush.impressions)


def test_a_record_holds_many_users() -> None:
    sizes = Counter(record.value.count(b"\n") + 1 for record in packed(USERS, PARTITIONS, START, SPAN))
    assert max(sizes) == FLUSHES_A_RECORD
    assert sum(count for size, count in sizes.items() if size < FLUSHES_A_RECORD) <= PARTITIONS


def test_the_input_is_the_same_in_every_run() -> None:
    assert list(packed(USERS, PARTITIONS, START, SPAN)) == list(packed(USERS, PARTITIONS, START, SPAN))


@pytest.mark.parametrize("users", [1, FLUSHES_A_RECORD, FLUSHES_A_RECORD * PARTITIONS])
def test_no_user_is_left_out_at_the_end(users: int) -> None:
    assert len(flushes(list(packed(users, PARTITIONS, START, SPAN)))) == users


def test_probes_reach_every_partition_with_users_of_their_own() -> None:
    found = flushes([*probes(1, PARTITIONS, START), *probes(2, PARTITIONS, START)])
    assert [partition for partition, _ in found] == [*range(PARTITIONS)] * 2
    assert len({flush.flush.user_id for _, flush in found}) == 2 * PARTITIONS


def test_what_was_restored_is_read_from_the_log() -> None:
    lines = [
        b'{"event": "worker_starting"}\n',
        b'{"partition": 0, "changes": 300, "seconds": 2.0, "event": "state_restored"}\n',
        b"%3|librdkafka says something\n",
        b'{"partition": 1, "changes": 100, "seconds": 1.5, "event": "state_restored"}\n',
    ]
    restored = restored_in(lines)
    assert restored == Restored(400, 2.0)
    assert restored.rate == 200
    assert restored_in([]).rate == 0


def start(ready: float, changes: int = 0, peak: float = 100.0) -> Start:
    return Start(ready, ready + 0.1, Restored(changes, 2.0), peak)


def test_several_starts_are_summed_up_by_their_median_and_highest_peak() -> None:
    found = middle([start(9.0, 1, 120.0), start(3.0, 3, 180.0), start(4.0, 2, 110.0)])
    assert (found.ready, found.decided, found.restored.changes, found.peak_mib) == (4.0, 4.1, 2, 180.0)


def test_each_start_is_compared_with_the_first() -> None:
    rows = list(start_rows({"nothing": start(2.0), "the changelogs": start(5.0, 1_000_000)}))
    assert rows[0][1:3] == ("2.0", "1.0 x")
    assert rows[1][:3] == ("the changelogs", "5.0", "2.5 x")
    assert rows[1][5] == "500,000"
    assert rows[0][5] == "-", "a handful of changes has no rate"


def test_a_kill_is_judged_by_the_silence_and_by_late_rows() -> None:
    arrivals = Arrivals()
    for at, appended in ((900, 890), (1_020, 1_005), (4_000, 1_010), (4_100, 2_000), (4_200, 4_190), (4_300, 4_200)):
        arrivals.add(float(at), appended, 0)
    # Killed at 1,000; what was committed by then still arrived at 1,020.
    assert judge(arrivals, How.AT_ONCE, 1_000.0, 4_400.0) == Kill(How.AT_ONCE, 3.0, 3.1)


def test_kills_are_summed_up_by_what_restarts_the_worker() -> None:
    kills = [Kill(How.AT_ONCE, 3.0, 4.0), Kill(How.AT_ONCE, 9.0, 9.5), Kill(How.AT_ONCE, 2.0, 2.5)]
    assert kill.summary(kills) == [(How.AT_ONCE.value, "3", "3.0", "9.0", "4.0")]


def test_the_days_state_is_what_the_worker_stores() -> None:
    values, covered = templates(Settings(), 10, seed=1)
    assert len(values) == len(covered) == TEMPLATES
    assert len(set(values)) == TEMPLATES
    for value in values[:20]:
        bucket = window.decode(value[1:])
        assert len(bucket) == 10
        assert all(0 <= offset < 600_000 for offset in bucket.values())
    assert {len(seen.decode(value[1:]).ordinals) for value in covered} == {10}


def test_a_load_goes_through_its_users_in_order() -> None:
    load = Load(users=1_000_000, per_minute=100_000)
    assert load.visitors(600_000) == 100_000
    assert load.seen() == 144
    assert set(load.who(0, 600_000)) == set(load.who(10, 600_000)) == set(range(100_000))
    assert set(load.who(9, 600_000)) == set(range(900_000, 1_000_000))
    assert Load(users=1_000, per_minute=100_000).visitors(600_000) == 1_000
    assert Load(users=1_000, per_minute=100_000).seen() == ARTWORKS


def stage(hours: int, impressions: int, log: int) -> Stage:
    return Stage(hours, impressions, impressions // 10, Sizes(log, 5 * MIB, 3 * MIB), 0.0, start(9.0, 500), start(3.0))


def test_the_states_size_grows_with_its_windows_not_its_users() -> None:
    assert windows(24, 10) == 146
    first = stage(1, 1_000, 10 * MIB)
    assert computed(first, 1_000) == first.sizes.changelogs == 15 * MIB
    assert computed(first, 3_000) == 35 * MIB
    assert cells(first)[:4] == ("1", "1,000", "100", "15.0")
