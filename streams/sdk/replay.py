"""Reading logs of impressions and playing them on another clock: the parts that `impressions produce` is made of."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from streams.errors import UserError
from streams.sdk.batches import Batch, batches, make_flush
from streams.sdk.columns import Columns
from streams.sdk.readers import Format, read_file
from streams.sdk.rows import BadRow, Envelope, Row
from streams.sdk.timeline import Timeline

__all__ = ["BadRow", "Batch", "Columns", "Envelope", "Format", "Row", "Timeline", "batches", "make_flush", "read"]


def _refuse(bad: BadRow) -> None:
    raise UserError(f"{bad}.")


def read(
    files: Iterable[Path | str],
    columns: Columns | None = None,
    *,
    file_format: Format | None = None,
    on_bad: Callable[[BadRow], None] = _refuse,
) -> Iterator[Row]:
    """Yield the files' impressions, file by file, in their order; `on_bad` gets what is none.

    By default the first bad row raises UserError. Raises UserError for a file that can't be read or lacks a column.
    """
    for file in files:
        for item in read_file(Path(file), columns or Columns(), file_format):
            if isinstance(item, BadRow):
                on_bad(item)
            else:
                yield item
