"""Turns a chunk's outcome into the records of its transaction."""

from collections.abc import Iterable, Iterator

from streams.core.chunk import Outputs
from streams.kafka import names
from streams.kafka.names import changelog
from streams.kafka.transaction import ProducerRecord
from streams.state.partition_state import Change, Table

# Size of the rows in one record: well below topics.yaml's limit, and large enough to make its overhead negligible.
MAX_RECORD_BYTES = 1024 * 1024 - 64 * 1024
ORIGIN = "origin"
CHANGELOGS = {table: changelog(table) for table in Table}


def records(partition: int, outputs: Outputs, changes: Iterable[Change]) -> list[ProducerRecord]:
    """Return everything that a chunk commits. All but forwards go to the partition of the same number."""
    windows, coverage = CHANGELOGS[Table.WINDOWS], CHANGELOGS[Table.COVERAGE]
    batch = [
        ProducerRecord(windows if change.table is Table.WINDOWS else coverage, partition, change.key, change.value)
        for change in changes
    ]
    batch += [ProducerRecord(names.ACCEPTED, partition, None, value) for value in _cut(b"".join(outputs.accepted))]
    batch += [ProducerRecord(names.LEDGER, partition, None, value) for value in _cut(b"".join(outputs.ledger))]
    batch += [ProducerRecord(names.REJECTED, partition, u.encode() or None, row) for u, row in outputs.rejected]
    batch += [ProducerRecord(names.COVERAGE, partition, key.encode(), row) for key, row in outputs.coverage]
    batch += [
        ProducerRecord(names.IMPRESSIONS, home, user_id.encode(), line, [(ORIGIN, origin)])
        for home, user_id, line, origin in outputs.forwards
    ]
    return batch


def _cut(lines: bytes) -> Iterator[bytes]:
    """Cut newline-terminated lines into records of at most MAX_RECORD_BYTES, each without its final newline.

    A row is far shorter than that, because its ids are.
    """
    start = 0
    while start < len(lines):
        end = lines.rindex(b"\n", start, start + MAX_RECORD_BYTES + 1)
        yield lines[start:end]
        start = end + 1
