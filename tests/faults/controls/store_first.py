"""Run the worker with a defect: the local store gets the chunk, and the position after it, before the commit.

A restart trusts the store. Takes the command line's arguments.
"""

import time

from streams.state.partition_state import to_store
from streams.worker import outbox
from streams.worker.partition import Chunk, Partition


def commit(self: Partition, chunk: Chunk) -> None:
    """Write the store, then commit."""
    self.state.store.write(to_store(chunk.changes))
    records = outbox.records(self.number, chunk.outputs, chunk.changes)
    offsets = self._producer.commit(records, watch=self._changelog_ids)
    behind = {self._changelog_ids[topic]: offset + 1 for topic, offset in offsets.items()}
    self.state.store.write([self._checkpoint.advance(behind, time.time())])
    self.state.written(chunk.position)
    self.position = chunk.position


if __name__ == "__main__":
    from streams.cli import main

    Partition.commit = commit  # type: ignore[method-assign]
    main()
