"""Which column holds which field, and how a file's record becomes a Row."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from sys import intern
from typing import Any

from impression_streams import encode
from impression_streams.ids import derived_id, new_id
from streams.errors import UserError
from streams.produce import fields
from streams.produce.fields import TimeUnit
from streams.produce.rows import BadRow, Row

REQUIRED = ("user_id", "artwork_id", "seen_at")
OPTIONAL = ("impression_id", "pool_id", "session_id", "dwell_ms", "visible", "position", "surface")

Reader = Callable[[Any], Any]


@dataclass(frozen=True)
class Columns:
    """Where the fields are. `names` maps fields to columns; any other field is read from the column of the same name.

    `artwork_format` and `user_format` turn the log's values into ids: 'a{:04d}' turns 14 into a0014. Without a
    column for it, impression_id is derived from the file's name and the row's number and content, so the same file
    always gives the same ids; with `new_ids` every row gets a new one. Raises UserError.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    time_unit: TimeUnit = "auto"
    artwork_format: str = "{}"
    user_format: str = "{}"
    pool_id: str = ""  # for rows that have none
    new_ids: bool = False

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.names) - {*REQUIRED, *OPTIONAL}):
            raise UserError(f"--map: {', '.join(unknown)} is not a field; {', '.join((*REQUIRED, *OPTIONAL))} are.")
        try:
            fields.formatter(self.artwork_format)
            fields.formatter(self.user_format)
            if self.pool_id:
                encode.check_id("--pool", self.pool_id)
        except ValueError as error:
            raise UserError(f"{error}.") from None

    def column(self, name: str) -> str:
        """Return the column that a field is read from."""
        return self.names.get(name, name)

    def bind(self, source: str, available: Collection[str], sparse: bool = False) -> "Binding":
        """Return the reader of one file's records. `sparse`: a record may have fields that `available` lacks.

        Raises UserError when a column is missing: it names the file, its columns and the option to give.
        """
        wanted = [name for name in (*REQUIRED, *OPTIONAL) if name in REQUIRED or name in self.names]
        if missing := [name for name in wanted if self.column(name) not in available]:
            example = " ".join(f"--map {name}=COLUMN" for name in missing)
            raise UserError(
                f"{source} has no column for {', '.join(missing)}: it has {', '.join(available) or 'none'};"
                f" say {example}."
            )
        if sparse:
            return self.bind_sparse(source)
        return self._bind(source, [name for name in (*REQUIRED, *OPTIONAL) if self.column(name) in available])

    def bind_sparse(self, source: str) -> "Binding":
        """Return the reader of records that may have any of the fields."""
        return self._bind(source, (*REQUIRED, *OPTIONAL))

    def _bind(self, source: str, names: Iterable[str]) -> "Binding":
        return Binding(self, source, [(name, self.column(name), self._reader(name)) for name in names])

    def _reader(self, name: str) -> Reader:
        readers: dict[str, Reader] = {
            "seen_at": partial(fields.milliseconds, unit=self.time_unit),
            "dwell_ms": fields.integer,
            "position": fields.integer,
            "visible": fields.number,
            "artwork_id": _formatted(self.artwork_format),
            "user_id": _formatted(self.user_format),
        }
        return readers.get(name, fields.text)


class Binding:
    """Turns one file's records into rows."""

    def __init__(self, columns: Columns, source: str, bound: Iterable[tuple[str, str, Reader]]) -> None:
        self._columns = columns
        self._source = source
        self._bound = list(bound)
        self.columns = {column for _, column, _ in self._bound}

    def row(self, number: int, record: Mapping[str, Any]) -> Row:
        """Return the record's row. An empty or null value counts as absent. Raises ValueError that names the field."""
        found: dict[str, Any] = {}
        for name, column, reader in self._bound:
            value = record.get(column)
            if value is None or value == "":
                continue
            try:
                found[name] = reader(value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        if missing := [name for name in REQUIRED if name not in found]:
            raise ValueError(f"{', '.join(missing)}: missing")
        return self.make(number, found)

    def attempt(self, number: int, record: Mapping[str, Any]) -> Row | BadRow:
        """Return the record's row, or why it is bad."""
        try:
            return self.row(number, record)
        except ValueError as error:
            return BadRow(self._source, number, str(error))

    def make(self, number: int, found: dict[str, Any]) -> Row:
        """Return the row of an impression's fields, including user_id and session_id. Raises ValueError."""
        user_id, seen_at = found.pop("user_id"), found.pop("seen_at")
        session_id = found.pop("session_id", "")
        if self._columns.pool_id:
            found.setdefault("pool_id", self._columns.pool_id)
        if self._columns.new_ids:
            found["impression_id"] = new_id()
        elif "impression_id" not in found:
            found["impression_id"] = derived_id(self._source, number, user_id, found["artwork_id"], seen_at)
        encode.check_id("user_id", user_id)
        if session_id:
            encode.check_id("session_id", session_id)
        encode.impression_json({**found, "seen_at": seen_at})
        found["artwork_id"] = intern(found["artwork_id"])  # a log repeats few users and artworks many times
        return Row(self._source, number, intern(user_id), seen_at, found, session_id)


def _formatted(pattern: str) -> Reader:
    apply = fields.formatter(pattern)
    return lambda value: apply(fields.text(value))
