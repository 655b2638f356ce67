"""The job in Bytewax: a stateful step per user, snapshots of changed users in SQLite, its own Kafka connectors.

As its documentation advises for speed: batches of thousands from the source, steps that process a batch at once, a
custom stateful logic. Recovery at the interval of its examples; it commits no offsets, since the snapshots hold them.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import bytewax.operators as op  # type: ignore[import-not-found] # in an environment of its own
import orjson
from bytewax.connectors.kafka import (  # type: ignore[import-not-found]
    KafkaSink,
    KafkaSinkMessage,
    KafkaSource,
    KafkaSourceMessage,
)
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]
from bytewax.recovery import RecoveryConfig, init_db_dir  # type: ignore[import-not-found]
from bytewax.run import cli_main  # type: ignore[import-not-found]

from bench.peers.common import Progress, Task, end_on_sigterm, is_near, kept

BATCH = 5_000
SNAPSHOT = timedelta(seconds=10)

# Artwork, impression and time (ms) of a user's impressions in one record.
Impressions = list[tuple[str, str, int]]
# The state's builder doesn't know whose state it is, so each record carries the user.
Flush = tuple[str, Impressions]
# A user's accepted times by artwork. The tuples never change, so a shallow copy is a snapshot.
Times = dict[str, tuple[int, ...]]


class User(op.StatefulBatchLogic):  # type: ignore[misc]
    """One user's state. Its values are those of one batch, in order."""

    def __init__(self, progress: Progress, times: Times | None) -> None:
        self._progress, self._times = progress, times or {}

    def on_batch(self, values: list[Flush]) -> tuple[Iterable[KafkaSinkMessage], bool]:
        """Decide the batch, and return what is accepted."""
        times, accepted = self._times, []
        for user_id, impressions in values:
            for artwork_id, impression_id, seen_at in impressions:
                known = times.get(artwork_id, ())
                if not is_near(seen_at, known):
                    times[artwork_id] = tuple(kept(list(known), seen_at))
                    row = {
                        "user_id": user_id,
                        "artwork_id": artwork_id,
                        "impression_id": impression_id,
                        "seen_at": seen_at,
                        "seen": len(times),
                    }
                    accepted.append(KafkaSinkMessage(user_id.encode(), orjson.dumps(row)))
            self._progress.impressions += len(impressions)
        return accepted, self.RETAIN

    def snapshot(self) -> Times:
        """Return what a restart begins with."""
        return dict(self._times)


def decode(batch: list[KafkaSourceMessage]) -> Iterator[tuple[str, Flush]]:
    """Return each flush's impressions, keyed by its user."""
    for message in batch:
        flush = orjson.loads(message.value)
        user_id = flush["user_id"]
        impressions = [(each["artwork_id"], each["impression_id"], each["seen_at"]) for each in flush["impressions"]]
        yield user_id, (user_id, impressions)


def build(task: Task, progress: Progress) -> Dataflow:
    """Return the dataflow."""
    brokers = [task.bootstrap]
    fetch = {"queued.min.messages": "20000", "fetch.queue.backoff.ms": "10"}
    source = KafkaSource(brokers, [task.input], batch_size=BATCH, add_config=fetch)
    sink = KafkaSink(brokers, task.output, add_config={"partitioner": "murmur2_random", "compression.type": "lz4"})
    flow = Dataflow(task.group)
    keyed = op.flat_map_batch("decode", op.input("in", flow, source), decode)
    decided = op.stateful_batch("decide", keyed, lambda state: User(progress, state))
    op.output("out", op.flat_map_batch("rows", decided, lambda batch: [row for _, row in batch]), sink)
    return flow


def main() -> None:
    """Run it from where it stopped, until SIGTERM."""
    end_on_sigterm()
    task, progress = Task.load(), Progress()
    progress.serve(task.metrics_port)
    if not task.folder.exists():
        task.folder.mkdir(parents=True)
        init_db_dir(task.folder, 1)
    recovery = RecoveryConfig(task.folder, timedelta(seconds=0))
    cli_main(build(task, progress), workers_per_process=1, epoch_interval=SNAPSHOT, recovery_config=recovery)


if __name__ == "__main__":
    main()
