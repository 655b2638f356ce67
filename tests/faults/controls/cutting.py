"""Run the sink with a defect: it inserts slices of a fixed number of rows, wherever a record ends.

Takes the command line's arguments.
"""

from streams.runtime import failpoints
from streams.runtime.failpoints import Failpoint
from streams.sink.blocks import TableRows
from streams.sink.writer import Writer

SLICE_ROWS = 100

_insert = Writer.insert


def insert(self: Writer, part: TableRows, token: str) -> None:
    """Insert one slice after another."""
    for start in range(0, part.rows, SLICE_ROWS):
        if start:
            failpoints.hit(Failpoint.SINK_INSERT_BETWEEN)
        _insert(self, TableRows(part.table, part.data.slice(start, SLICE_ROWS)), f"{token}:{start}")


if __name__ == "__main__":
    from streams.cli import main

    Writer.insert = insert  # type: ignore[method-assign]
    main()
