"""Which column of a file holds which field of an artwork, and how a record becomes these fields.

Ids are read and formatted as `impressions produce` does, so that an artwork has the same id in both.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.catalogue_load import values
from streams.catalogue_load.values import NO_VALUE, TimeUnit
from streams.errors import UserError
from streams.model.artwork import MAX_RECORD_BYTES
from streams.produce import fields

FIELDS = ("artwork_id", "pool_id", "ordinal", "created_at", "retired", "dna")
KEY = "artwork_id"
# What a record's other fields take at most, and what Kafka adds to it.
_REST_BYTES = 8 * 1024
SHOWN_COLUMNS = 40

Fields = dict[str, Any]
Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class Columns:
    """Where an artwork's fields are. `names` maps fields to columns; any other is read from the column of its name.

    `artwork_format` turns a column into the id: 'a{:04d}' turns 14 into a0014. `pool_id` is for rows without one,
    `unit` that of `created_at` where it is a number, and texts of `no_value` are none. Raises UserError.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    artwork_format: str = "{}"
    pool_id: str = ""
    unit: TimeUnit | None = None
    no_value: frozenset[str] = frozenset(NO_VALUE)

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.names) - set(FIELDS)):
            raise UserError(f"--map: {', '.join(unknown)} is not a field of an artwork; {', '.join(FIELDS)} are.")
        try:
            fields.formatter(self.artwork_format)
            if self.pool_id:
                values.identifier(self.pool_id)
        except ValueError as error:
            raise UserError(f"{error}.") from None

    def column(self, name: str) -> str:
        """Return the column that a field is read from."""
        return self.names.get(name, name)

    def require(self, source: str, available: Collection[str], hint: str = "") -> None:
        """Raise UserError, which names what to say, if a file lacks the ids or a column that was named."""
        needed = dict.fromkeys((KEY, *self.names))
        if missing := [name for name in needed if self.column(name) not in available]:
            say = " ".join(f"--map {name}=COLUMN" for name in missing)
            has = ", ".join(list(available)[:SHOWN_COLUMNS]) or "none"
            raise UserError(f"{source} has no column for {', '.join(missing)}: it has {has}; say {say}{hint}.")

    def wanted(self) -> set[str]:
        """Return the columns that are read, if a file has them."""
        return {self.column(name) for name in FIELDS}

    def reader(self) -> "RecordReader":
        """Return what reads records."""
        return RecordReader(self)


class RecordReader:
    """Turns records into an artwork's fields, without absent ones."""

    def __init__(self, columns: Columns) -> None:
        formatted = fields.formatter(columns.artwork_format)
        readers: dict[str, Reader] = {
            "artwork_id": lambda value: values.identifier(formatted(fields.text(value))),
            "pool_id": lambda value: values.identifier(fields.text(value)),
            "ordinal": values.ordinal,
            "created_at": values.moment(columns.unit),
            "retired": values.retired,
            "dna": values.dna,
        }
        self._bound = [(name, columns.column(name), readers[name]) for name in FIELDS]
        self._columns = columns

    def fields(self, record: Mapping[str, Any]) -> Fields:
        """Return the record's fields. Raises ValueError that names the field."""
        found: Fields = {}
        for name, column, reader in self._bound:
            value = record.get(column)
            if values.is_absent(value, self._columns.no_value):
                continue
            try:
                found[name] = reader(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        if KEY not in found:
            raise ValueError(f"{KEY}: missing")
        if self._columns.pool_id:
            found.setdefault("pool_id", self._columns.pool_id)
        if len(found.get("dna", b"")) > MAX_RECORD_BYTES - _REST_BYTES:
            raise ValueError(f"dna: {len(found['dna'])} bytes of JSON are too many for a record of {MAX_RECORD_BYTES}")
        return found

    def is_artwork(self, record: Mapping[str, Any]) -> bool:
        """Say whether the record would be an artwork."""
        try:
            self.fields(record)
        except ValueError:
            return False
        return True
