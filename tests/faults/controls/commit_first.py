"""Run the sink with a defect: it commits a block's offsets before it inserts the block, and starts from its commit.

Takes the command line's arguments.
"""

from confluent_kafka import TopicPartition

from streams.sink import placing
from streams.sink.partition import AssignedPartition
from streams.sink.position import Committed, Held, Refused, Start, start_position
from streams.sink.sink import Sink

_insert = Sink._insert


def insert(self: Sink, partition: AssignedPartition) -> TopicPartition:
    """Commit, then insert."""
    self._consumer.commit(offsets=[partition.commit_at(partition.block().next)], asynchronous=False)
    return _insert(self, partition)


def start(topic_id: str, committed: Committed | None, held: Held, low: int, high: int) -> Start | Refused:
    """Trust a commit of this log, whatever the rows say."""
    if committed is not None and committed.topic_id == topic_id:
        return Start(committed.offset)
    return start_position(topic_id, committed, held, low, high)


if __name__ == "__main__":
    from streams.cli import main

    Sink._insert = insert  # type: ignore[method-assign]
    vars(placing)["start_position"] = start
    main()
