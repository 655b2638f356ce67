"""Run the worker with a defect: state and position are one transaction, and what readers see is another one after it.

Takes the command line's arguments.
"""

from collections.abc import Iterable, Sequence

from streams.kafka.transaction import PartitionProducer, ProducerRecord
from streams.worker.outbox import CHANGELOGS

_commit = PartitionProducer.commit


def commit(
    self: PartitionProducer, records: Sequence[ProducerRecord], watch: Iterable[str] = (), patient: bool = True
) -> dict[str, int]:
    """Commit the changelogs' records, then the others."""
    changelogs = set(CHANGELOGS.values())
    offsets = _commit(self, [record for record in records if record.topic in changelogs], watch, patient)
    if rows := [record for record in records if record.topic not in changelogs]:
        _commit(self, rows, patient=patient)
    return offsets


if __name__ == "__main__":
    from streams.cli import main

    PartitionProducer.commit = commit  # type: ignore[method-assign]
    main()
