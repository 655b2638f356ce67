"""Which column of a file holds which field of an artwork.

`impressions produce` reads the same kinds of file. Its readers (streams.produce.readers) hand each record to what
`Columns.bind` returned; a subclass of both makes them read artworks.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.catalogue_load import values
from streams.catalogue_load.values import NO_VALUE, TimeUnit
from streams.errors import UserError
from streams.model.artwork import MAX_RECORD_BYTES
from streams.produce import fields
from streams.produce.columns import Binding, Columns
from streams.produce.rows import BadRow, Row

FIELDS = ("artwork_id", "pool_id", "ordinal", "created_at", "retired", "dna")
KEY = "artwork_id"
# What a record's other fields take at most, and what Kafka adds to it.
_REST_BYTES = 8 * 1024

Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class ArtworkColumns(Columns):
    """Where an artwork's fields are. `names` maps fields to columns; any other is read from the column of its name.

    `artwork_format` and `pool_id` (for rows without one) are those of `impressions produce`. Raises UserError.
    """

    unit: TimeUnit | None = None
    no_value: frozenset[str] = frozenset(NO_VALUE)
    # Filled while a file is read: the columns that no field is read from.
    ignored: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.names) - set(FIELDS)):
            raise UserError(f"--map: {', '.join(unknown)} is not a field of an artwork; {', '.join(FIELDS)} are.")
        try:
            fields.formatter(self.artwork_format)
            if self.pool_id:
                values.identifier(self.pool_id)
        except ValueError as error:
            raise UserError(f"{error}.") from None

    def bind(self, source: str, available: Collection[str], sparse: bool = False) -> "ArtworkBinding":
        """Return the reader of one file's records. Raises UserError that names a missing column and what to say."""
        needed = [KEY, *(name for name in FIELDS if name in self.names and name != KEY)]
        if missing := [name for name in needed if self.column(name) not in available]:
            say = " ".join(f"--map {name}=COLUMN" for name in missing)
            raise UserError(
                f"{source} has no column for {', '.join(missing)}: it has {', '.join(available) or 'none'}; say {say}."
            )
        read = {self.column(name) for name in FIELDS}
        self.ignored[:] = [name for name in available if name not in read]
        return self._artworks(source, [name for name in FIELDS if sparse or self.column(name) in available])

    def bind_sparse(self, source: str) -> "ArtworkBinding":
        """Return the reader of records that may have any of the fields."""
        return self._artworks(source, FIELDS)

    def _artworks(self, source: str, names: Sequence[str]) -> "ArtworkBinding":
        return ArtworkBinding(self, source, names, self._readers())

    def _readers(self) -> dict[str, Reader]:
        formatted = fields.formatter(self.artwork_format)
        return {
            "artwork_id": lambda value: values.identifier(formatted(fields.text(value))),
            "pool_id": lambda value: values.identifier(fields.text(value)),
            "ordinal": values.ordinal,
            "created_at": values.moment(self.unit),
            "retired": values.retired,
            "dna": values.dna,
        }


class ArtworkBinding(Binding):
    """Turns one file's records into rows whose `fields` are those of an artwork, without absent ones."""

    def __init__(
        self, columns: ArtworkColumns, source: str, names: Sequence[str], readers: Mapping[str, Reader]
    ) -> None:
        super().__init__(columns, source, [(name, columns.column(name), readers[name]) for name in names])
        self._file, self._read = source, [(name, columns.column(name), readers[name]) for name in names]
        self._no_value, self._pool_id = columns.no_value, columns.pool_id

    def row(self, number: int, record: Mapping[str, Any]) -> Row:
        """Return the record's row. Raises ValueError that names the field."""
        found: dict[str, Any] = {}
        for name, column, reader in self._read:
            value = record.get(column)
            if values.is_absent(value, self._no_value):
                continue
            try:
                found[name] = reader(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        if KEY not in found:
            raise ValueError(f"{KEY}: missing")
        if self._pool_id:
            found.setdefault("pool_id", self._pool_id)
        if len(found.get("dna", b"")) > MAX_RECORD_BYTES - _REST_BYTES:
            raise ValueError(f"dna: {len(found['dna'])} bytes of JSON are too many for a record of {MAX_RECORD_BYTES}")
        return Row(self._file, number, "", 0, found)

    def attempt(self, number: int, record: Mapping[str, Any]) -> Row | BadRow:
        """Return the record's row, or why it is bad."""
        try:
            return self.row(number, record)
        except ValueError as error:
            return BadRow(self._file, number, str(error))

    def make(self, number: int, found: dict[str, Any]) -> Row:
        """Refuse what is not an artwork: the readers call this for the impressions of a whole flush."""
        raise UserError(f"{self._file}:{number} is a flush of impressions: `impressions produce` sends those.")
