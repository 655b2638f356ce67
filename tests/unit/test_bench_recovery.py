"""The recovery bench's input is what it says, and its figures are read right."""

from collections import Counter

import pytest

from bench.recovery import State, table
from bench.restart import Restored, Start, middle, restored_in
from bench.users import FLUSHES_A_RECORD, IMPRESSIONS_A_USER, Packed, packed, probes
from streams.core.decode import DecodedFlush, InvalidImpression, decode
from streams.core.partition import partition_of

PARTITIONS = 4
START, SPAN = 1_732_431_600_000, 3_600_000
USERS = 1_003


def flushes(records: list[Packed]) -> list[tuple[int, DecodedFlush]]:
    found = []
    for record in records:
        for line in record.value.split(b"\n"):
            decoded = decode(line)
            assert isinstance(decoded, DecodedFlush)
            found.append((record.partition, decoded))
    return found


def test_every_user_has_one_valid_flush_at_home() -> None:
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


def test_the_middle_of_several_starts_is_their_median_with_the_highest_peak() -> None:
    found = middle([start(9.0, 1, 120.0), start(3.0, 3, 180.0), start(4.0, 2, 110.0)])
    assert (found.ready, found.decided, found.restored.changes, found.peak_mib) == (4.0, 4.1, 2, 180.0)


def test_the_table_sets_each_start_beside_the_first() -> None:
    starts = {"nothing": start(2.0), "the changelogs": start(5.0, 1_000_000)}
    lines = list(table(State(100_000, 10 * 2**20, 5 * 2**20), starts))
    assert lines[-2].split("|")[1:4] == [" the changelogs ", " 5.0     ", " 2.5 x        "]
    assert "500,000" in lines[-2]
    assert lines[-1] == "100,000 users of 5 impressions: 10.0 MiB of changelogs, 5.0 MiB of RocksDB"
    assert len({len(line) for line in lines[:-1]}) == 1


@pytest.mark.parametrize("users", [1, FLUSHES_A_RECORD, FLUSHES_A_RECORD * PARTITIONS])
def test_nobody_is_left_out_at_the_end(users: int) -> None:
    assert len(flushes(list(packed(users, PARTITIONS, START, SPAN)))) == users
