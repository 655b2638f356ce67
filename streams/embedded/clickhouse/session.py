"""A handle of the engine for one request: the user's rights, the settings, and the statements that it runs.

Everything blocks, and only one thread at a time may call it. Errors are ClickHouseError.
"""

import contextlib
import errno
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from streams.embedded.clickhouse.access import READER_ROLE, STAGE_ROLE
from streams.embedded.clickhouse.engine import Engine, ending, engine_errors
from streams.embedded.clickhouse.errors import (
    BAD_ARGUMENTS,
    NOT_ENOUGH_SPACE,
    READONLY,
    SYNTAX_ERROR,
    UNKNOWN_SETTING,
    ClickHouseError,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")

# chDB formats each block of a streamed query as a complete output, so only formats with neither header nor footer can
# be joined again; the others are produced in one piece.
_STREAMED = frozenset(
    ("native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "jsoneachrow", "rowbinary", "null")
)
# An answer in one piece is held in memory; a larger result is refused unless the query sets max_result_bytes itself.
_ONE_PIECE = {"max_result_bytes": str(512 << 20)}


@dataclass(frozen=True)
class Scope:
    """What a session is opened with. `settings` and `parameters` are the request's, unchanged."""

    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    readonly: bool = False  # for a GET, as in ClickHouse
    reader: bool = True


@dataclass
class Progress:
    """Rows and bytes of a query so far, by their names in X-ClickHouse-Summary."""

    counts: dict[str, int] = field(default_factory=dict)

    def take(self, counts: Mapping[str, int]) -> None:
        """Store the engine's latest counts; called from the engine's threads."""
        self.counts = dict(counts)


@dataclass(frozen=True)
class External:
    """A table sent with the request, as one part of a multipart form."""

    name: str
    structure: str
    format: str
    data: bytes


class Session:
    """One handle, from `open` to `close`. It has only its user's rights before any text of the user reaches it."""

    def __init__(self, engine: Engine, tag: str) -> None:
        self._engine = engine
        self._handle: Any = None
        self.tag = tag
        self._spool: IO[bytes] | None = None
        self.progress = Progress()

    def open(self, scope: Scope, external: tuple[External, ...] = ()) -> None:
        """Open the handle; apply the database, the rights, then settings and parameters, which the rights restrict."""
        self._handle = self._engine.connect()
        if scope.database:
            self._run(f"USE {quote_name(scope.database)}")
        for table in external:
            self._load(table)
        if scope.reader:
            self._run(f"SET ROLE {READER_ROLE}")
        if scope.reader or scope.readonly:
            self._run("SET readonly = 2")
        changes = [f"{_setting(name)} = {quote(value)}" for name, value in scope.settings.items()]
        changes += [f"param_{_parameter(name)} = {quote(value)}" for name, value in scope.parameters.items()]
        if changes:
            self._run("SET " + ", ".join(changes))
        self._handle.set_progress_callback(self.progress.take)

    def _load(self, table: External) -> None:
        """Create a temporary table from external data, with the right to do only that."""
        self._run(f"SET ROLE {STAGE_ROLE}")
        create = f"CREATE TEMPORARY TABLE {quote_name(table.name)} ({table.structure}) ENGINE = Memory"
        self.judge(create, reader=False)  # one statement, whatever the structure contains
        self._run(create)
        self.begin_insert()
        self.append(table.data)
        self.finish_insert(f"INSERT INTO {quote_name(table.name)}", table.format)
        self._run("SET ROLE DEFAULT")

    def judge(self, sql: str, reader: bool) -> str:
        """Return the class that the engine's parser gives the statement: READ_ONLY, MUTATING or CONTROL.

        Raises SYNTAX_ERROR unless there is exactly one statement, and READONLY for a reader's statement that is not
        a read. The engine itself refuses most of those, but not KILL, SET ROLE and INTO OUTFILE, which change no table.
        """
        found = self._handle.classify_query(sql)
        if found["statement_count"] > 1:
            raise ClickHouseError(SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)")
        kind = str(found["query_class"].name)
        if found["statement_count"] == 0:
            self._refuse_unparsed(sql)
        if reader and kind != "READ_ONLY":
            raise ClickHouseError(READONLY, "reader: Cannot execute query in readonly mode.")
        return kind

    def _refuse_unparsed(self, sql: str) -> None:
        """Raise the engine's own syntax error for a text that the gate does not recognize as a statement.

        Never run it here: chDB runs the statements of a batch one by one up to the one that does not parse, and the
        user's settings may allow what the gate's limits don't. The probe has a reader's rights and accepts one query.
        """
        probe = Session(self._engine, self.tag)
        try:
            probe.open(Scope())
            probe._stream(sql, "Null")()  # accepts one statement, and only a query
        finally:
            probe.close()
        raise ClickHouseError(SYNTAX_ERROR, "Syntax error: the statement can't be parsed")

    def run(self, sql: str, output: str) -> bytes:
        """Run a statement to its end; return its answer in the format `output` unless it names its own."""
        with engine_errors():
            result = self._handle.query(f"{sql}\n{ending(self.tag)}", output)
            self.progress.counts.setdefault("written_rows", result.rows_written())
            self.progress.counts.setdefault("written_bytes", result.bytes_written())
            return bytes(result.bytes())

    def read(self, sql: str, wanted: str, output: str) -> Callable[[], bytes]:
        """Start a query; return a function that returns the next piece of the answer, b"" at the end.

        `wanted` is the format of the answer, `output` the format for a query that names none.
        """
        if wanted.lower() in _STREAMED:
            try:
                return self._stream(sql, output)
            except ClickHouseError as error:
                if error.code != BAD_ARGUMENTS or "Streaming query is not supported" not in error.text:
                    raise
        elif not self._changed("max_result_bytes"):
            self._run("SET " + ", ".join(f"{name} = {quote(value)}" for name, value in _ONE_PIECE.items()))
        pieces = iter([self.run(sql, output)])
        return lambda: next(pieces, b"")

    def _stream(self, sql: str, output: str) -> Callable[[], bytes]:
        with engine_errors():
            stream = self._handle.send_query(f"{sql}\n{ending(self.tag)}", output)
        return lambda: self._fetch(stream)

    def _fetch(self, stream: Any) -> bytes:
        with engine_errors():
            return bytes(self._handle.streaming_fetch_result(stream).bytes())

    def _changed(self, setting: str) -> bool:
        found = self._handle.query(f"SELECT changed FROM system.settings WHERE name = {quote(setting)}", "TSVRaw")
        return bool(found.bytes().strip() == b"1")

    def begin_insert(self) -> None:
        """Start an INSERT. `append` adds its data, which is kept in a file until `finish_insert`.

        chDB accepts data piece by piece (`send_insert`), but then reports success even if the end of the insert
        fails: a full disk, a constraint, too many parts (upstream). An INSERT from a file fails as it should.
        """
        with _disk_errors():
            self._spool = self._engine.spool()

    def append(self, data: bytes) -> None:
        """Add the next bytes of an insert."""
        assert self._spool is not None, "begin_insert comes first"
        with _disk_errors():
            self._spool.write(data)

    def finish_insert(self, sql: str, data_format: str, settings: str = "") -> None:
        """Run an INSERT with the appended data; `sql` is its text before SETTINGS.

        On return its rows are stored. (If there are more than min_insert_block_size_rows, about a million, the earlier
        blocks may be stored even if it fails, as in any ClickHouse.)
        """
        assert self._spool is not None, "begin_insert comes first"
        with _disk_errors():
            self._spool.flush()
        file = quote(self._spool.name)
        with engine_errors():
            result = self._handle.query(
                f"{sql} FROM INFILE {file} COMPRESSION 'none' {settings} FORMAT {data_format}", "Null"
            )
        self.progress.counts["written_rows"] = result.rows_written()
        self.progress.counts["written_bytes"] = result.bytes_written()
        self._end_spool()

    def kill(self) -> None:
        """Cancel the running query. Call this from another thread, since the query blocks its own."""
        self._engine.kill(self.tag)

    def close(self) -> None:
        """Close the handle, cancel its open stream, and discard an unfinished insert."""
        self._end_spool()
        if self._handle is not None:
            self._handle.close()

    def _end_spool(self) -> None:
        if self._spool is not None:
            with contextlib.suppress(OSError):  # data that could not be written is no longer wanted
                self._spool.close()
            self._spool = None

    def _run(self, sql: str) -> None:
        with engine_errors():
            self._handle.query(sql, "Null")


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """Report a full disk as ClickHouse's own error for it."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ClickHouseError(NOT_ENOUGH_SPACE, "Not enough space for the insert's data.") from None


def quote(text: str) -> str:
    """Quote a string for SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(name: str) -> str:
    """Quote an identifier for SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _setting(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ClickHouseError(UNKNOWN_SETTING, f"Unknown setting {quote(name)}.")
    return name


def _parameter(name: str) -> str:
    if not re.fullmatch(r"\w+", name, re.ASCII):
        raise ClickHouseError(BAD_ARGUMENTS, f"A query parameter can't be named {quote(name)}.")
    return name
