"""The engine in this process: chDB, one handle for each request.

These measurements of chDB 26.9 (two cores) determine the design:

- Handles run in parallel, in any thread: two `sleep(1)` on two handles take 1.0 s; another handle's open stream does
  not delay an insert or a count. The GIL is released while the engine works.
- A handle costs 0.2 ms to open and close, and is a session: it has its own `USE`, `SET`, parameters, roles and
  temporary tables. So each request gets a new one, and nothing can leak from one request into another.
- `streaming_cancel_query` waits for a running fetch (43 s for a query that yields nothing); `KILL QUERY` from another
  handle does not (5 ms). chDB does not let us choose the query id, so a query is found by a comment of ours at the
  beginning of its text (at its end, it would be read as data of an INSERT) and of its `log_comment`.
- An answer with `INTO OUTFILE` is written as it is made, in any format, and may go into a pipe (through.py). If nobody
  reads the pipe any longer, the engine computes the rest all the same, so such a query must be killed, too.
- A stream holds at most one block; it costs nothing while nobody fetches.
- The scalar function `file` reads any file that this OS user can read, whatever the grants: a local engine does not
  confine it to a folder. A Python function of the same name replaces it, however it is called (APPLY, arrayMap, ALIAS
  columns, ...). The functions that call AI services are replaced likewise.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import chdb

from streams.embedded.clickhouse.errors import ACCESS_DENIED, ClickHouseError

# The module below chdb's own connection class, which exposes neither classify_query nor the row counts.
_chdb: Any = chdb._chdb
ENGINE_VERSION = str(chdb.engine_version)

_REFUSED = "Functions that reach outside are not available in the embedded ClickHouse."
_OUTSIDE = "SELECT name FROM system.functions WHERE lower(name) LIKE 'ai%' AND is_aggregate = 0"


@contextlib.contextmanager
def engine_errors() -> Iterator[None]:
    """Turn chDB's errors (RuntimeError) into ClickHouseError."""
    try:
        yield
    except RuntimeError as error:
        if _REFUSED in str(error):
            raise ClickHouseError(ACCESS_DENIED, _REFUSED) from None
        raise ClickHouseError.of_engine(error) from None


class Engine:
    """The one engine of this process. Every method blocks and may be called from any thread."""

    def __init__(self, folder: Path, configuration: Path, spool: Path) -> None:
        """Start the engine. `spool` is a folder for data in transit; what a killed process left in it is removed."""
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir(mode=0o700)
        self._spool = spool.resolve()
        self._address = f"{folder}?config-file={configuration}"
        # Kept open: the engine ends with its last handle.
        self._control: Any = _chdb.connect(self._address)
        with engine_errors():
            self.timezone = self._control.query("SELECT timezone()", "TSVRaw").bytes().decode().strip()
            self.content_types = self._pairs("SELECT lower(name), content_type FROM system.formats")
            self.settings = frozenset(self._pairs("SELECT name, '' FROM system.settings"))
            _take_away(["file", *self._control.query(_OUTSIDE, "TSVRaw").bytes().decode().split()])

    def _pairs(self, sql: str) -> dict[str, str]:
        lines = self._control.query(sql, "TSVRaw").bytes().decode().splitlines()
        return dict(line.split("\t", 1) for line in lines)

    def spool(self) -> IO[bytes]:
        """Open a file for data in transit to the engine; closing it deletes it. Raises OSError."""
        return tempfile.NamedTemporaryFile(dir=self._spool)

    def connect(self) -> Any:
        """Open a handle: a new session, with all rights."""
        with engine_errors():
            return _chdb.connect(self._address)

    def folder(self) -> Path:
        """Return the folder for pipes; it is emptied at the start."""
        return self._spool

    def kill(self, tag: str) -> None:
        """Cancel the query that begins with the comment of a mark with `tag` (scope.py), if it runs.

        The engine writes a query with parameters anew, without comments; then the setting `log_comment` has it.
        """
        handle = self.connect()
        try:
            with engine_errors():
                marked = " OR ".join(f"startsWith({text}, '/*{tag} ')" for text in ("query", "Settings['log_comment']"))
                handle.query(f"KILL QUERY WHERE {marked} ASYNC", "Null")
        finally:
            handle.close()

    def close(self) -> None:
        """Close the engine; all other handles must be closed."""
        self._control.close()


def _take_away(functions: list[str]) -> None:
    """Replace scalar functions that reach outside with one that refuses."""

    def refuse(argument: str) -> str:
        raise PermissionError(_REFUSED)

    for name in functions:
        _chdb.create_function(name, refuse, ["String"], "String")
