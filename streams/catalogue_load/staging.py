"""The two sides of a load, in a database of SQLite: `known`, what the log says, and `wanted`, what the file says.

It is a temporary file that nobody else sees, and that is gone when the process ends, however it ends. A million
artworks take about 150 MB of disk there, and 32 MB of memory.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

from streams.catalogue_load.values import MAX_ORDINAL
from streams.core.artwork_record import Said
from streams.core.catalogue import Artwork
from streams.errors import UserError

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32768;
CREATE TABLE known (
    artwork_id TEXT PRIMARY KEY, ordinal INTEGER, pool_id TEXT, created_at INTEGER, retired INTEGER, dna BLOB
);
CREATE TABLE wanted (
    artwork_id TEXT PRIMARY KEY, line INTEGER, pool_id TEXT, ordinal INTEGER, created_at INTEGER, retired INTEGER,
    dna BLOB
);
CREATE TABLE pools (pool_id TEXT PRIMARY KEY);
CREATE TABLE refused (artwork_id TEXT PRIMARY KEY, line INTEGER, reason TEXT);
BEGIN;
"""
_NEW = "NOT EXISTS (SELECT 1 FROM known AS k WHERE k.artwork_id = w.artwork_id)"
# Each finds rows that can't be taken, with the line and a sentence; the later ones rely on the earlier ones.
_CONFLICTS = (
    """
    SELECT w.artwork_id, w.line, 'ordinal: ' || w.artwork_id || ' has ' || k.ordinal || ', which never changes'
    FROM wanted AS w JOIN known AS k USING (artwork_id) WHERE w.ordinal != k.ordinal
    """,
    f"""
    SELECT w.artwork_id, w.line, 'pool_id: missing, and nobody has catalogued ' || w.artwork_id || ' before'
    FROM wanted AS w WHERE w.pool_id IS NULL AND {_NEW}
    """,
    f"""
    SELECT w.artwork_id, w.line, 'ordinal: ' || w.ordinal || ' belongs to ' || o.artwork_id
    FROM wanted AS w JOIN known AS o ON o.ordinal = w.ordinal WHERE {_NEW}
    """,
    f"""
    SELECT w.artwork_id, w.line, 'ordinal: ' || w.ordinal || ' is given to ' || min(o.artwork_id) || ' before'
    FROM wanted AS w JOIN wanted AS o ON o.ordinal = w.ordinal AND o.line < w.line WHERE {_NEW}
    GROUP BY w.artwork_id
    """,
)
_ADD = f"""
SELECT w.artwork_id, w.ordinal, w.pool_id, ifnull(w.created_at, 0), ifnull(w.retired, 0), ifnull(w.dna, x'5b5d')
FROM wanted AS w WHERE {_NEW} ORDER BY w.rowid
"""
_CHANGE = """
SELECT artwork_id, k.ordinal, k.pool_id, k.created_at, k.retired, k.dna,
    ifnull(w.pool_id, k.pool_id) AS pool, ifnull(w.created_at, k.created_at) AS created,
    coalesce(w.retired, :present, k.retired) AS gone, ifnull(w.dna, k.dna) AS vector
FROM wanted AS w JOIN known AS k USING (artwork_id)
WHERE (pool, created, gone, vector) != (k.pool_id, k.created_at, k.retired, k.dna)
ORDER BY w.rowid
"""
_RETIRE = """
SELECT artwork_id, ordinal, pool_id, created_at, retired, dna FROM known AS k
WHERE :retire AND NOT retired AND pool_id IN (SELECT pool_id FROM pools)
    AND NOT EXISTS (SELECT 1 FROM wanted AS w WHERE w.artwork_id = k.artwork_id)
ORDER BY ordinal
"""


# Of SQLite's codes, without what the higher bits add.
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


class Described(NamedTuple):
    """Everything that a record says about an artwork. `created_at` in ms, `dna` as JSON."""

    artwork_id: str
    ordinal: int
    pool_id: str
    created_at: int
    retired: bool
    dna: bytes


class Step(NamedTuple):
    """One record to write. `before` is what the log says, None for a new artwork; `missing`: the file lacks it."""

    before: Described | None
    after: Described
    missing: bool = False


class Staging:
    """The database. Raises UserError where it finds no place on the disk."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def learn(self, artwork: Artwork, said: Said | None, dna: bytes) -> None:
        """Note what a record of the log says; a tombstone, None, retires and changes nothing else."""
        with _explained():
            if said is None:
                self._db.execute("UPDATE known SET retired = 1 WHERE artwork_id = ?", (artwork.artwork_id,))
                return
            self._db.execute(
                "INSERT INTO known VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET pool_id = excluded.pool_id, "
                "created_at = excluded.created_at, retired = excluded.retired, dna = excluded.dna",
                (artwork.artwork_id, artwork.ordinal, artwork.pool_id, said.created_at, artwork.retired, dna),
            )

    def want(self, line: int, fields: Mapping[str, Any]) -> str | None:
        """Note what a row of the file says; return why it can't be taken, if it can't."""
        row = [fields.get(name) for name in ("artwork_id", "pool_id", "ordinal", "created_at", "retired", "dna")]
        row.insert(1, line)
        with _explained():
            if self._db.execute("INSERT OR IGNORE INTO wanted VALUES (?, ?, ?, ?, ?, ?, ?)", row).rowcount:
                return None
            (first,) = self._db.execute("SELECT * FROM wanted WHERE artwork_id = ?", (row[0],))
        if list(first[2:]) == row[2:]:
            return None
        return f"artwork_id: {row[0]} is in row {first[1]} already, with other values"

    def refuse_conflicts(self) -> Iterator[tuple[int, str]]:
        """Drop the rows that the log doesn't allow; yield the line and the reason of each."""
        with _explained():
            (numbered,) = self._db.execute("SELECT EXISTS (SELECT 1 FROM wanted WHERE ordinal IS NOT NULL)").fetchone()
            if numbered:
                self._db.execute("CREATE INDEX IF NOT EXISTS known_ordinal ON known (ordinal)")
                self._db.execute("CREATE INDEX IF NOT EXISTS wanted_ordinal ON wanted (ordinal)")
            for query in _CONFLICTS:
                self._db.execute("DELETE FROM refused")
                self._db.execute(f"INSERT INTO refused {query}")
                self._db.execute("DELETE FROM wanted WHERE artwork_id IN (SELECT artwork_id FROM refused)")
                yield from self._db.execute("SELECT line, reason FROM refused ORDER BY line")

    def name_pools(self) -> None:
        """Note the pools that the file names, by itself or by an artwork whose pool it doesn't say."""
        with _explained():
            self._db.execute(
                "INSERT OR IGNORE INTO pools SELECT ifnull(w.pool_id, k.pool_id) FROM wanted AS w "
                "LEFT JOIN known AS k USING (artwork_id)"
            )

    def other_pools(self) -> list[str]:
        """Return the pools with active artworks that the file doesn't name."""
        query = "SELECT DISTINCT pool_id FROM known WHERE NOT retired AND pool_id NOT IN (SELECT pool_id FROM pools)"
        return sorted(pool_id for (pool_id,) in self._db.execute(query))

    def stay_retired(self) -> int:
        """Return how many retired artworks the file names without saying whether they are retired."""
        both = "wanted AS w JOIN known AS k USING (artwork_id)"
        query = f"SELECT count(*) FROM {both} WHERE k.retired AND w.retired IS NULL"
        return int(self._db.execute(query).fetchone()[0])

    def wanted(self) -> int:
        """Return how many artworks the file names."""
        return int(self._db.execute("SELECT count(*) FROM wanted").fetchone()[0])

    def steps(self, retire_missing: bool) -> Iterator[Step]:
        """Yield the records that the log lacks: new artworks in the file's order, then changes, then retirements.

        With `retire_missing`, an artwork of the file that doesn't say otherwise is active. New artworks get the
        ordinals after the greatest. Raises UserError if there are none left. Nothing may be noted meanwhile.
        """
        with _explained():
            following = self._next_ordinal()
            for artwork_id, given, *rest in self._db.execute(_ADD):
                ordinal = following if given is None else given
                following += given is None
                if ordinal > MAX_ORDINAL:
                    raise UserError(f"No ordinals are left: the greatest is {MAX_ORDINAL}, and none is used twice.")
                yield Step(None, _described(artwork_id, ordinal, *rest))
            for row in self._db.execute(_CHANGE, {"present": 0 if retire_missing else None}):
                yield Step(_described(*row[:6]), _described(row[0], row[1], *row[6:]))
            for row in self._db.execute(_RETIRE, {"retire": retire_missing}):
                before = _described(*row)
                yield Step(before, before._replace(retired=True), missing=True)

    def _next_ordinal(self) -> int:
        """Return the ordinal after the greatest one that the log, or the file, gives to an artwork."""
        found = [self._db.execute(f"SELECT max(ordinal) FROM {table}").fetchone()[0] for table in ("known", "wanted")]
        return 1 + max((ordinal for ordinal in found if ordinal is not None), default=-1)


def _described(artwork_id: str, ordinal: int, pool_id: str, created_at: int, retired: int, dna: bytes) -> Described:
    return Described(artwork_id, ordinal, pool_id, created_at, bool(retired), bytes(dna))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in _NO_ROOM:
            raise
        raise UserError(
            f"The load needs room for temporary files ({error}): TMPDIR names the folder for them."
        ) from None
