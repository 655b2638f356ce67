"""A handle of the engine for one request: the user's rights, the settings, and the statements that it runs.

Everything blocks, and only one thread at a time may call it. Errors are ClickHouseError.
"""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from typing import IO, Any

from streams.embedded.clickhouse.catalogue import create_statement, own_view, system_table
from streams.embedded.clickhouse.engine import Engine, engine_errors
from streams.embedded.clickhouse.errors import (
    BAD_ARGUMENTS,
    INTO_OUTFILE_NOT_ALLOWED,
    NOT_ENOUGH_SPACE,
    NOT_IMPLEMENTED,
    READONLY,
    SYNTAX_ERROR,
    ClickHouseError,
)
from streams.embedded.clickhouse.lexer import tokens
from streams.embedded.clickhouse.limits import check_reader
from streams.embedded.clickhouse.prepare import Kept, Preparation, for_kept
from streams.embedded.clickhouse.scope import External, Mark, Progress, Scope, quote, quote_name
from streams.embedded.clickhouse.statement import Insert, first_words, format_clause
from streams.embedded.clickhouse.through import Pipe, from_file, into_file

# An answer in one piece is held in memory; a larger result is refused unless the query sets max_result_bytes itself.
_ONE_PIECE_BYTES = 512 << 20


class Session:
    """One handle, from `open` to `close`. It has only its user's rights before any text of the user reaches it."""

    def __init__(self, engine: Engine, mark: Mark, kept: Kept | None = None) -> None:
        self._engine = engine
        self._kept = kept
        self._handle: Any = None
        self._preparation: Preparation | None = None
        self._spool: IO[bytes] | None = None
        self._pipe: Pipe | None = None
        self._scope = Scope()
        self.mark = mark
        self.progress = Progress()

    def open(self, scope: Scope, begun: bytes = b"") -> None:
        """Open the handle; apply the rights, then the database, tables, settings and parameters of the request.

        `begun` is the beginning of the statement: in a named session, it decides whether the handle must be kept.
        """
        self._scope = scope
        if self._kept is not None and self._kept.wants(begun):
            scope = self._scope = for_kept(scope, begun)
            self._handle = self._kept.take(self._engine)
            self._preparation = Preparation(self._handle, scope, self.mark, self._kept)
        else:
            self._kept = None
            self._handle = self._engine.connect()
            self._preparation = Preparation(self._handle, scope, self.mark, None)
        self._preparation.open(self._load)
        self._handle.set_progress_callback(self.progress.take)

    def _load(self, table: External) -> None:
        """Create a temporary table from external data; the handle has the right to do only that."""
        create = f"CREATE TEMPORARY TABLE {quote_name(table.name)} ({table.structure}) ENGINE = Memory"
        self.judge(create, reader=False)  # one statement, whatever the structure contains
        self._run(create)
        self.begin_insert()
        self.append(table.data)
        self.finish_insert(Insert(f"INSERT INTO {quote_name(table.name)} ", "", table.format, 0))

    def judge(self, sql: str, reader: bool) -> str:
        """Return the class that the engine's parser gives the statement: READ_ONLY, MUTATING or CONTROL.

        Raises SYNTAX_ERROR unless there is exactly one statement, and READONLY for a reader's statement that is not
        a read. The engine itself refuses most of those, but not KILL, SET ROLE and INTO OUTFILE, which change no table.
        A reader's own session may be changed by SET and USE, as long as it exists.
        """
        found = self._classify(sql)
        if found["statement_count"] > 1:
            raise ClickHouseError(SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)")
        kind = str(found["query_class"].name)
        if found["statement_count"] == 0:
            self._refuse_unparsed(sql)
        if reader:
            check_reader(self._scope.settings, sql)
        if (reader and kind != "READ_ONLY" and not self._changes_itself(sql)) or (
            self._scope.readonly and kind != "READ_ONLY"
        ):
            raise ClickHouseError(READONLY, f"{self.mark.user.value}: Cannot execute query in readonly mode.")
        return kind

    def judge_insert(self, insert: Insert, reader: bool) -> None:
        """Judge an INSERT with data as `judge` does."""
        source = f"input({insert.structure})" if insert.structure else ""
        self.judge(f"{insert.sql}{source}{insert.tail} {insert.settings} FORMAT {insert.format}", reader)

    def _changes_itself(self, sql: str) -> bool:
        """Return whether a statement only sets settings, or the database, of a session that is kept."""
        words = first_words(sql.encode(errors="surrogateescape"), 2)
        sets = words[:1] == (b"SET",) and words[1:] not in ((b"ROLE",), (b"DEFAULT",), (b"TRANSACTION",))
        return self._kept is not None and (sets or words[:1] == (b"USE",))

    def _classify(self, sql: str) -> Any:
        return self._handle.classify_query(sql.encode(errors="surrogateescape"))

    def _refuse_unparsed(self, sql: str) -> None:
        """Raise the engine's own syntax error for a text that the gate does not recognize as a statement.

        Never run it here: chDB runs the statements of a batch one by one up to the one that does not parse, and the
        user's settings may allow what the gate's limits don't. The probe has a reader's rights and accepts one query.
        """
        probe = Session(self._engine, self.mark)
        try:
            probe.open(Scope())
            probe._stream(sql, "Null", "")()  # accepts one statement, and only a query
        finally:
            probe.close()
        raise ClickHouseError(SYNTAX_ERROR, "Syntax error: the statement can't be parsed")

    def run(self, sql: str, output: str) -> bytes:
        """Run a statement to its end; return its answer in the format `output` unless it names its own."""
        result = self._query(self.mark.comment() + sql, output)
        if result.rows_written():
            self.progress.know(written_rows=result.rows_written(), written_bytes=result.bytes_written())
        return bytes(result.bytes())

    def change(self, sql: str, output: str) -> bytes:
        """Run a statement that may change something, as `run` does. Raises INTO_OUTFILE_NOT_ALLOWED, as a server does.

        Raises NOT_IMPLEMENTED if it has data in its text that `split_insert` did not find: the engine would not store
        it as it is.
        """
        text = sql.encode(errors="surrogateescape")
        words = frozenset(token.word for token in tokens(text))
        if {b"INTO", b"OUTFILE"} <= words and first_words(text, 1) != (b"CREATE",):
            raise ClickHouseError(INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed: the file is the client's.")
        if b"INSERT" in words and first_words(text, 1) != (b"CREATE",):
            self._refuse_data(sql)
        return self.run(sql, output)

    def _refuse_data(self, sql: str) -> None:
        parsed = self._query(f"SELECT formatQuery({quote(sql)})", "TSVRaw").bytes().strip()
        clause = format_clause(parsed)
        if clause is not None and clause.end == len(parsed):
            raise ClickHouseError(NOT_IMPLEMENTED, "Where the data of this INSERT begins can't be told from its text.")

    def pipe(self) -> Pipe:
        """Return a new pipe for the answer of `read`; `close` closes it."""
        with _disk_errors():
            self._pipe = Pipe(self._engine.folder())
        return self._pipe

    def read(self, sql: str, output: str, pipe: Pipe) -> None:
        """Run a query whose answer goes into the pipe, in the format `output` unless it names its own."""
        piped = into_file(self._own(sql), pipe.path)
        if self._classify(piped)["statement_count"] == 1:
            result = self._query(self.mark.comment() + piped, output)
            self.progress.know(result_rows=result.rows_read(), result_bytes=result.bytes_read())
            return
        if not self._changed("max_result_bytes"):
            self._run(f"SET max_result_bytes = {_ONE_PIECE_BYTES}")
        answer = self.run(sql, output)
        with contextlib.suppress(BrokenPipeError), pipe.path.open("wb") as file:
            file.write(answer)

    def blocks(self, sql: str, output: str) -> Callable[[], bytes]:
        """Start a query in a format that has neither head nor foot, so that the blocks' outputs can be joined.

        Return a function that returns the next block's output as soon as it is made, b"" at the end.
        """
        own = self._own(sql)
        try:
            return self._stream(own, output, self.mark.comment())
        except ClickHouseError as error:
            if error.code != BAD_ARGUMENTS or "Streaming query is not supported" not in error.text:
                raise
        pieces = iter([self.run(own, output)])  # DESCRIBE and the like, whose answers are small
        return lambda: next(pieces, b"")

    def types(self, sql: str) -> list[str]:
        """Return the types of a SELECT's columns; an empty list for any other read, which can't be a subquery."""
        text = self._own(sql).encode(errors="surrogateescape")
        first = next(tokens(text), None)
        if first is None or (first.word not in (b"SELECT", b"WITH", b"FROM") and first.text != b"("):
            return []
        clause = format_clause(text)
        if clause is not None:
            text = text[: clause.start] + text[clause.end :]
        described = f"DESCRIBE TABLE (\n{text.decode(errors='surrogateescape')}\n) SETTINGS log_queries = 0"
        if self._classify(described)["statement_count"] != 1:
            return []
        found = self._query(described, "TSVRaw").bytes().decode(errors="replace")
        return [line.split("\t")[1] for line in found.splitlines() if "\t" in line]

    def _own(self, sql: str) -> str:
        table = system_table(sql)
        if table is not None:
            missing = f"SELECT count() FROM system.tables WHERE database = 'system' AND name = {quote(table)}"
            if self._query(f"{missing} AND create_table_query = ''", "TSVRaw").bytes().strip() == b"1":
                return create_statement(sql, table)
        return own_view(sql, self.mark)

    def _stream(self, sql: str, output: str, comment: str) -> Callable[[], bytes]:
        text = (comment + sql).encode(errors="surrogateescape")
        with engine_errors():
            stream = self._handle.send_query(text, output, params=self._scope.parameters)
        return lambda: self._fetch(stream)

    def _fetch(self, stream: Any) -> bytes:
        with engine_errors():
            piece = self._handle.streaming_fetch_result(stream)
            self.progress.add_result(piece.rows_read(), piece.bytes_read())
            return bytes(piece.bytes())

    def _changed(self, setting: str) -> bool:
        found = self._query(f"SELECT changed FROM system.settings WHERE name = {quote(setting)}", "TSVRaw")
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

    def finish_insert(self, insert: Insert) -> None:
        """Run an INSERT with the appended data.

        On return its rows are stored. (If there are more than min_insert_block_size_rows, about a million, the earlier
        blocks may be stored even if it fails, as in any ClickHouse.)
        """
        assert self._spool is not None, "begin_insert comes first"
        with _disk_errors():
            self._spool.flush()
            size = os.fstat(self._spool.fileno()).st_size
        result = self._query(self.mark.comment() + from_file(insert, self._spool.name, size), "Null")
        self.progress.know(written_rows=result.rows_written(), written_bytes=result.bytes_written())
        self._end_spool()

    def kill(self) -> None:
        """Cancel the running query. Call this from another thread, since the query blocks its own."""
        self._engine.kill(self.mark.tag)

    def cut(self) -> None:
        """Stop waiting for the reader of an answer, so the query can be cancelled; called by the event loop."""
        if self._pipe is not None:
            self._pipe.close()

    def close(self) -> None:
        """Close the handle, cancel its open stream, and discard an unfinished insert. A kept handle is given back."""
        self._end_spool()
        self.cut()
        if self._handle is None:
            return
        if self._kept is not None and self._preparation is not None:
            self._kept.give_back(self._handle, self._preparation)
        else:
            self._handle.close()
        self._handle = None

    def _end_spool(self) -> None:
        if self._spool is not None:
            with contextlib.suppress(OSError):  # data that could not be written is no longer wanted
                self._spool.close()
            self._spool = None

    def _query(self, sql: str, output: str) -> Any:
        with engine_errors():
            text = sql.encode(errors="surrogateescape")
            return self._handle.query(text, output, params=self._scope.parameters)

    def _run(self, sql: str) -> None:
        self._query(sql, "Null")


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """Report a full disk as ClickHouse's own error for it."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ClickHouseError(NOT_ENOUGH_SPACE, "Not enough space for the insert's data.") from None
