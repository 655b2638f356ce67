"""Run the sink with a defect: it commits a block's offsets before it inserts the block.

Takes the command line's arguments.
"""

from confluent_kafka import TopicPartition

from streams.sink.partition import AssignedPartition
from streams.sink.sink import Sink

_insert = Sink._insert


def insert(self: Sink, partition: AssignedPartition) -> TopicPartition:
    """Commit, then insert."""
    self._commit([partition.commit_at(partition.block().last + 1)])
    return _insert(self, partition)


if __name__ == "__main__":
    from streams.cli import main

    Sink._insert = insert  # type: ignore[method-assign]
    main()
