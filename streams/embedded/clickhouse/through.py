"""Data on its way through files: a query's output through a pipe, in the format that was asked for; an insert's data.

chDB returns a result whole, or block by block where each block is a complete output with header and footer. Through
INTO OUTFILE it writes one output of any format, as it is made. The file is a pipe: it holds at most a MiB, and the
engine waits while nobody reads.
"""

import asyncio
import contextlib
import fcntl
import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from streams.embedded.clickhouse.scope import quote, quote_name
from streams.embedded.clickhouse.statement import Insert, format_clause

_PIPE_BYTES = 1 << 20
# Linux's F_SETPIPE_SZ, which Python's fcntl names from 3.10 on, and only there.
_SET_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)


class Pipe:
    """A named pipe in `folder`. The engine opens it by name; `pieces` reads it; `close` ends both."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / uuid.uuid4().hex
        os.mkfifo(self.path, 0o600)
        # Also for writing: so it opens at once, and ends when the query ends, not while the engine opens it.
        self._fd: int | None = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        if _SET_SIZE is not None:
            with contextlib.suppress(OSError):  # pipes of this user are many already; then it stays small
                fcntl.fcntl(self._fd, _SET_SIZE, _PIPE_BYTES)

    async def pieces(self, running: "asyncio.Future[None]") -> AsyncIterator[bytes]:
        """Yield what the query writes until `running` has ended and everything is read."""
        while self._fd is not None:
            ended = running.done()
            try:
                piece = os.read(self._fd, _PIPE_BYTES)
            except BlockingIOError:
                if ended:
                    return
                await self._readable(self._fd, running)
                continue
            yield piece

    @staticmethod
    async def _readable(fd: int, running: "asyncio.Future[None]") -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def note() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(fd, note)
        try:
            await asyncio.wait({ready, running}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loop.remove_reader(fd)
            ready.cancel()

    def close(self) -> None:
        """Discard what is not read. An engine that waits to write goes on, so its query can be cancelled."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            self.path.unlink(missing_ok=True)


def into_file(sql: str, path: Path) -> str:
    """Return a query that writes its answer into a file, in the format it names."""
    text = sql.encode(errors="surrogateescape")
    clause = format_clause(text)
    at = len(text) if clause is None else clause.start
    outfile = f"\nINTO OUTFILE {quote(str(path))} TRUNCATE COMPRESSION 'none'\n"
    return text[:at].decode(errors="surrogateescape") + outfile + text[at:].decode(errors="surrogateescape")


def from_file(insert: Insert, name: str, size: int) -> str:
    """Return the statement that reads an insert's data from a file."""
    if insert.structure:
        of_file = f"file({quote(name)}, {quote(insert.format)}, {insert.structure}, 'none')"
        # Without data there is nothing to read, but not every format accepts an empty file.
        return f"{insert.sql}{of_file if size else f'null({insert.structure})'}{insert.tail}"
    of_format = f"{insert.settings} FORMAT {quote_name(insert.format)}"
    return f"{insert.sql} FROM INFILE {quote(name)} COMPRESSION 'none' {of_format}"
