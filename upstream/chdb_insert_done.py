"""chDB: a streamed insert (`send_insert`) reports success although its last step fails.

Here a row breaks a constraint; a full disk or too many parts do the same. The same rows from a file raise.
"""

import sys
import tempfile
from pathlib import Path

import chdb
from kit import NOT_REPRODUCED, REPRODUCED, say


def main(_broker: str = "") -> int:
    """Insert a row that must be refused, both ways; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder, "rows.csv")
        rows.write_text("11\n")
        connection = chdb.connect(str(Path(folder, "data")))
        try:
            connection.query("CREATE TABLE t (a UInt64, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a")
            try:
                connection.query(f"INSERT INTO t FROM INFILE '{rows}' FORMAT CSV")
            except RuntimeError:
                refused = True
            else:
                refused = False
            with connection.send_insert("INSERT INTO t", "CSV") as insert:
                insert.append(rows.read_bytes())
                written = insert.finish().rows_written
            there = int(str(connection.query("SELECT count() FROM t", "TSV")))
        except RuntimeError as error:
            say(f"not reproduced: {str(error).splitlines()[0]}")
            return NOT_REPRODUCED
        finally:
            connection.close()
    if refused and written == 1 and there == 0:
        say("reproduced: finish() says that 1 row was written, and there is none; from a file it raises")
        return REPRODUCED
    say(f"not reproduced: refused {refused}, written {written}, there {there}")
    return NOT_REPRODUCED


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
