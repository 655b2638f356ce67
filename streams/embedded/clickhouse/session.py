"""A handle of the engine for one request: its user's rights, its settings, and what it then runs.

Everything blocks and is called in one thread at a time. Errors are ClickHouseError.
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

# chDB answers each block of a streamed query as a whole of its format, so only formats with neither head nor foot
# can be put together again; the others are made in one piece.
_STREAMED = frozenset(
    ("native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "jsoneachrow", "rowbinary", "null")
)
# An answer in one piece lies in memory whole; more than this of rows is refused unless the query says otherwise.
_ONE_PIECE = {"max_result_bytes": str(512 << 20)}


@dataclass(frozen=True)
class Scope:
    """What a session is opened with. `settings` and `parameters` are as they came in the request."""

    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    readonly: bool = False  # of a GET, as ClickHouse has it
    reader: bool = True


@dataclass
class Progress:
    """Rows and bytes of a query so far, under the names of X-ClickHouse-Summary."""

    counts: dict[str, int] = field(default_factory=dict)

    def take(self, counts: Mapping[str, int]) -> None:
        """Receive the engine's latest figures; called from the engine's threads."""
        self.counts = dict(counts)


@dataclass(frozen=True)
class External:
    """A table that came with the request: one part of a multipart form."""

    name: str
    structure: str
    format: str
    data: bytes


class Session:
    """One handle, from `open` to `close`, narrowed to what its user may do before any text of the user reaches it."""

    def __init__(self, engine: Engine, tag: str) -> None:
        self._engine = engine
        self._handle: Any = None
        self.tag = tag
        self._spool: IO[bytes] | None = None
        self.progress = Progress()

    def open(self, scope: Scope, external: tuple[External, ...] = ()) -> None:
        """Open the handle and apply database, rights, then settings, so that the rights judge them; and parameters."""
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
        """Make a temporary table of external data, with the right to do that and no other."""
        self._run(f"SET ROLE {STAGE_ROLE}")
        create = f"CREATE TEMPORARY TABLE {quote_name(table.name)} ({table.structure}) ENGINE = Memory"
        self.judge(create, reader=False)  # one statement, whatever the structure says
        self._run(create)
        self.begin_insert()
        self.append(table.data)
        self.finish_insert(f"INSERT INTO {quote_name(table.name)}", table.format)
        self._run("SET ROLE DEFAULT")

    def judge(self, sql: str, reader: bool) -> str:
        """Return the statement's class by the engine's parser: READ_ONLY, MUTATING or CONTROL.

        Raises SYNTAX_ERROR for none and for several statements, and READONLY for a reader's statement that isn't a
        read. The engine refuses most of those itself; not KILL, SET ROLE, INTO OUTFILE, which change no table.
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
        """Raise the engine's own syntax error for a text that isn't a statement to the gate.

        Never run it here: chDB runs the statements of a batch one by one up to the one that doesn't parse, and the
        user's settings may allow what the gate's limits don't. The probe is a reader's and takes one query.
        """
        probe = Session(self._engine, self.tag)
        try:
            probe.open(Scope())
            probe._stream(sql, "Null")()  # takes one statement, and only a query
        finally:
            probe.close()
        raise ClickHouseError(SYNTAX_ERROR, "Syntax error: the statement can't be parsed")

    def run(self, sql: str, output: str) -> bytes:
        """Run a statement whole; return its answer in the format `output` unless it names one itself."""
        with engine_errors():
            result = self._handle.query(f"{sql}\n{ending(self.tag)}", output)
            self.progress.counts.setdefault("written_rows", result.rows_written())
            self.progress.counts.setdefault("written_bytes", result.bytes_written())
            return bytes(result.bytes())

    def read(self, sql: str, wanted: str, output: str) -> Callable[[], bytes]:
        """Start a query; each call of what is returned gives the next piece of its answer, b"" at the end.

        `wanted` is the format it is answered in, `output` the one for a query that names none.
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
        """Start an INSERT whose data comes through `append`, and is kept in a file until `finish_insert`.

        chDB would take it piece by piece (`send_insert`), but reports success when what happens at the end fails: a
        full disk, a constraint, too many parts (upstream). An INSERT from a file fails as it should.
        """
        with _disk_errors():
            self._spool = self._engine.spool()

    def append(self, data: bytes) -> None:
        """Give an insert its next bytes."""
        assert self._spool is not None, "begin_insert comes first"
        with _disk_errors():
            self._spool.write(data)

    def finish_insert(self, sql: str, data_format: str, settings: str = "") -> None:
        """Run an INSERT, given as what stands before its SETTINGS, with what was appended.

        On return its rows are stored. (Of more than min_insert_block_size_rows, about a million, the earlier blocks
        may be even if it fails, as in any ClickHouse.)
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
        """Cancel the query that runs here; from another thread, for it blocks this one."""
        self._engine.kill(self.tag)

    def close(self) -> None:
        """Close the handle, cancel the stream it may have open, give up an insert that was not finished."""
        self._end_spool()
        if self._handle is not None:
            self._handle.close()

    def _end_spool(self) -> None:
        if self._spool is not None:
            with contextlib.suppress(OSError):  # what could not be written is not wanted any more
                self._spool.close()
            self._spool = None

    def _run(self, sql: str) -> None:
        with engine_errors():
            self._handle.query(sql, "Null")


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """Turn a full disk into ClickHouse's own error for it."""
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
