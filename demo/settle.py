"""Wait until all that the log holds is in ClickHouse."""

import time
from collections import Counter
from collections.abc import Callable

from demo.check.recount import split_lines
from demo.check.recount_log import LogReader
from demo.result_reader import ResultReader
from streams.errors import UserError
from streams.kafka.admin import committed
from streams.kafka.names import ARTWORKS, SINK_GROUP
from streams.settings import Settings

# Without any row more for this long it will not come: a killed worker's partitions are given back within seconds.
STALLED_SECONDS = 60.0
# Between two looks at ClickHouse; the log is read meanwhile.
LOOK_SECONDS = 0.2


def settle(
    settings: Settings, log: LogReader, catalogue: LogReader, reader: ResultReader, progress: Callable[[int, int], None]
) -> None:
    """Return once each line of the log is in the ledger, and all that the ledger counts is in its view.

    ClickHouse is asked before the log is read on. A line's forwarding commits in one transaction with its ledger row,
    so when the lines that the log holds afterwards are no more than the rows there were before, none is to come.
    Raises UserError when nothing has come for a minute.
    """
    best, deadline = -1, time.monotonic() + STALLED_SECONDS
    while True:
        stored, complete = _stored(reader)
        # The catalogue topic has no transactions, so that its end is the offset behind its last record.
        catalogue_stored = complete and committed(settings, SINK_GROUP, ARTWORKS, 0).offset >= catalogue.end(0)
        log.read_to_end()
        catalogue.read_to_end()
        lines = Counter({partition: 0 for partition in range(log.partitions)})
        for message in log.messages:
            lines[message.partition] += len(split_lines(message.value))
        progress(stored.total(), lines.total())
        if complete and catalogue_stored and all(stored[partition] >= count for partition, count in lines.items()):
            return
        if stored.total() > best:
            best, deadline = stored.total(), time.monotonic() + STALLED_SECONDS
        if time.monotonic() > deadline:
            missing = lines.total() - stored.total()
            raise UserError(
                f"Nothing has reached ClickHouse for {STALLED_SECONDS:.0f} s, and {missing} of {lines.total()} lines "
                f"are missing; see the worker's and the sink's log."
            )
        log.read(LOOK_SECONDS)


def _stored(reader: ResultReader) -> tuple[Counter[int], bool]:
    """Return ledger rows by source partition, and whether the other views hold all that the ledger counts."""
    counts = reader.query("SELECT source_partition, count() AS lines FROM ledger GROUP BY source_partition")
    views = reader.one(
        "SELECT (SELECT count() FROM impressions) AS accepted, (SELECT count() FROM rejected) AS rejected,"
        " sum(ledger.accepted) AS due_accepted, sum(ledger.rejected) AS due_rejected FROM ledger"
    )
    complete = views["accepted"] >= views["due_accepted"] and views["rejected"] >= views["due_rejected"]
    return Counter({row["source_partition"]: row["lines"] for row in counts}), complete
