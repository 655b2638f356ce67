"""chDB: an insert that meets a full disk while it writes reports success, and its part can't be read.

A small file system is filled beside each insert, so that some begin with space and end without. It needs the permission
to mount.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import chdb
from kit import COULD_NOT_RUN, NOT_REPRODUCED, REPRODUCED, say

TRIES = 5_000
MIB = 1 << 20
# An insert begins only if there is a MiB for it.
FREE_BYTES = (MIB + 64 * 1024, 4 * MIB)
# The disk fills at some moment of an insert.
DELAY_SECONDS = 0.02


def main(_broker: str = "") -> int:
    """Insert while the disk fills, and read what was acknowledged; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder], check=False)
        if mounted.returncode:
            return COULD_NOT_RUN
        connection = chdb.connect(str(Path(folder, "data")))
        try:
            return attempts(connection, Path(folder))
        finally:
            connection.close()
            subprocess.run(["umount", "--lazy", folder], check=True)


def attempts(connection: Any, folder: Path) -> int:
    """Try until a part is broken; return the exit code."""
    connection.query(
        "CREATE TABLE t (a LowCardinality(String), b UInt64) ENGINE = MergeTree ORDER BY b PARTITION BY b % 4"
        " SETTINGS min_bytes_for_wide_part = 0"
    )
    acknowledged = 0
    for _ in range(TRIES):
        with filling(folder):
            try:
                connection.query("INSERT INTO t SELECT randomPrintableASCII(40000), number FROM numbers(20)")
            except RuntimeError:
                continue
        acknowledged += 1
        try:
            connection.query("SELECT sum(cityHash64(*)) FROM t")
        except RuntimeError as error:
            say(f"reproduced: acknowledged insert {acknowledged} can't be read: {str(error)[:80]}")
            return REPRODUCED
        connection.query("TRUNCATE TABLE t")
    say(f"not reproduced: all of {acknowledged} acknowledged inserts can be read")
    return NOT_REPRODUCED


@contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Leave a little space, and take it while the body runs."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as ballast:
        fill(ballast.fileno(), MIB)
        size = os.fstat(ballast.fileno()).st_size
        ballast.truncate(max(0, size - random.randint(*FREE_BYTES)))
        ballast.seek(0, os.SEEK_END)
        thief = Thread(target=fill, args=(ballast.fileno(), 64 * 1024, random.uniform(0, DELAY_SECONDS)))
        thief.start()
        try:
            yield
        finally:
            thief.join()


def fill(descriptor: int, step: int, delay: float = 0) -> None:
    """Write until nothing more fits."""
    time.sleep(delay)
    with suppress(OSError):
        while os.write(descriptor, b"\0" * step) == step:
            pass


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
