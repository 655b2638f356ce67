"""Check that each misrouted line was sent on once, byte for byte, with its origin (contract section 2)."""

import json
from collections.abc import Iterable, Sequence

from demo.check.differences import Comparison, compare_rows
from demo.check.recount import split_lines
from demo.check.recount_log import Message
from demo.check.recount_partition import partition_of
from demo.check.recount_types import LedgerRow

ORIGIN = ("topic_id", "partition", "offset", "line")


def compare_forwards(messages: Sequence[Message], ledger: Iterable[LedgerRow], partitions: int) -> Comparison:
    """Compare the forwarded records of the log with the lines that the recount says were forwarded."""
    values = {(message.partition, message.offset): split_lines(message.value) for message in messages}
    expected = [
        {
            "topic_id": row.source_topic_id,
            "partition": row.source_partition,
            "offset": row.source_offset,
            "line": row.line,
            "value": values[row.source_partition, row.source_offset][row.line],
            "to": partition_of(row.user_id, partitions),
        }
        for row in ledger
        if row.forwarded
    ]
    found = [
        {name: json.loads(message.origin)[name] for name in ORIGIN} | {"value": message.value, "to": message.partition}
        for message in messages
        if message.origin is not None
    ]
    return compare_rows("forwarded records", expected, found, ORIGIN)
