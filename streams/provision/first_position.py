"""The first position of every source partition, written when the installation is first provisioned.

It distinguishes a new installation from one that lost its state: a worker never starts without a position, and a
position is never made up if there was work before. It also fixes the window and the partition count.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from streams.errors import FencedError, StateLostError, UserError
from streams.kafka.admin import TopicInfo
from streams.kafka.names import changelog
from streams.kafka.transaction import PartitionProducer, ProducerRecord
from streams.provision.evidence import PartitionFound
from streams.provision.installation import Finding, HalfBegun, New, judge, refuse
from streams.provision.look_logs import CHANGELOGS, OUTPUTS, THREADS, look_at_logs, look_at_partition
from streams.provision.patience import PATIENCE_SECONDS, sentences
from streams.runtime.backoff import Backoff
from streams.settings import Settings
from streams.state import position
from streams.state.partition_state import BEGIN, POSITION, Table
from streams.state.position import Position

COVERAGE = changelog(Table.COVERAGE)


def ensure_first_position(settings: Settings, source: TopicInfo) -> list[int]:
    """Judge by Kafka alone, and begin what is new; return the partitions begun. Idempotent.

    Raises StateLostError if there was work before but the state is gone, UserError if it was made with other settings.
    """
    return begin_missing(settings, source, judge(look_at_logs(settings, source.partitions), settings))


def begin_missing(settings: Settings, source: TopicInfo, finding: Finding) -> list[int]:
    """Write the first position of the partitions that the finding names; return those that this call has begun.

    Raises as `ensure_first_position` does, and UserError if other processes keep taking a partition.
    """
    refuse(finding)
    missing: Sequence[int] = finding.partitions if isinstance(finding, New | HalfBegun) else ()
    with ThreadPoolExecutor(max_workers=THREADS) as threads:
        begun = threads.map(lambda partition: _begin_once(settings, source, partition), missing)
        return [partition for partition, done in zip(missing, begun, strict=True) if done]


def begin(producer: PartitionProducer, partition: int, first: bytes | None) -> dict[str, int]:
    """Begin both changelogs, with a first position, or without one while the state is being rebuilt.

    Returns the offset of the last record of each changelog.
    """
    nonce = b"%d" % time.time_ns()
    records = [ProducerRecord(changelog(table), partition, BEGIN, nonce) for table in Table]
    return producer.commit([*records, ProducerRecord(COVERAGE, partition, POSITION, first)], watch=CHANGELOGS)


def _begin_once(settings: Settings, source: TopicInfo, partition: int) -> bool:
    """Begin a partition unless another process does; return whether this call did it.

    Of several processes that fence one another, the last one wins: the others look again, and try again if nobody has
    begun the partition.
    """
    backoff, deadline = Backoff(), time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        producer = PartitionProducer(settings, partition)
        try:
            with sentences(settings):
                return _begin_fenced(settings, source, partition, producer)
        except FencedError:
            time.sleep(backoff.fail(time.monotonic()))
        finally:
            producer.close()
        if _look_again(settings, partition).position is not None:
            return False
    raise UserError(
        f"Other processes kept taking partition {partition} for {PATIENCE_SECONDS:.0f} s: stop other runs of "
        "`impressions provision`, then run this again."
    )


def _begin_fenced(settings: Settings, source: TopicInfo, partition: int, producer: PartitionProducer) -> bool:
    """Fence, look at what was committed before, and begin the partition if that is still nothing."""
    # It has the partition's own transactional id: of two provisions, or a provision and a worker, only one can write.
    producer.fence()
    found = _look_again(settings, partition)
    if found.position is not None:
        return False
    if found != PartitionFound():
        raise StateLostError(
            f"Partition {partition} was begun by another process meanwhile, and has no position yet: let it end, then "
            "run this again."
        )
    begin(producer, partition, position.encode(Position(source.topic_id, 0, settings.window_ms, source.partitions)))
    return True


def _look_again(settings: Settings, partition: int) -> PartitionFound:
    return look_at_partition(settings, partition, {*CHANGELOGS, *OUTPUTS}, -1)
