"""The disk under RocksDB or under ClickHouse is full. Each has a small file system of its own."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from streams.runtime.exit import EXIT_RESTART
from tests.faults.case import Fault, case
from tests.faults.system import System

MIB = 1024 * 1024
# ClickHouse's error code for a full disk.
NOT_ENOUGH_SPACE = 243


class NotHereError(Exception):
    """This machine can't run the case; the text says why."""


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[None]:
    """Mount a file system of that size at the folder. Raises NotHereError without the permission to mount."""
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotHereError(f"a small file system needs permission to mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Fill the folder's file system during the body."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as out:
            while out.write(b"\0" * MIB):
                pass
    except OSError:
        pass  # full, as wanted
    try:
        yield
    finally:
        ballast.unlink()


@case("disk full under RocksDB", Fault.WORKER_DISK_FULL, own=True)
def rocksdb(system: System, rng: Random) -> None:
    """No space for the local store: the worker ends, and continues once there is space."""
    name, folder = "worker-0", system.settings.data_dir / "state"
    with system.keeper.held(name):
        system.keeper.kill(name)
        system.resources.enter_context(small_disk(folder, 64))
    system.heal()
    system.works()
    worker = system.keeper[name]
    with system.keeper.held(name), full(folder):
        system.until(lambda: not worker.is_running, "the worker has met the full disk")
        assert "no space" in worker.output().lower()
    assert worker.exit_code == EXIT_RESTART


@case("disk full under ClickHouse", Fault.CLICKHOUSE_DISK_FULL, own=True)
def clickhouse(system: System, rng: Random) -> None:
    """No space for parts: the sink waits, and continues once there is space."""
    name, folder = "clickhouse", system.settings.data_dir / "clickhouse"
    disk = system.settings.data_dir / "small"
    with system.keeper.held(name):
        system.keeper.kill(name)
        system.resources.enter_context(small_disk(disk, 512))
        shutil.copytree(folder, disk, dirs_exist_ok=True, symlinks=True)
        shutil.rmtree(folder)
        folder.symlink_to(disk)
    system.heal()
    system.flows()
    sink = system.keeper["sink-0"]
    with full(disk):
        system.until(lambda: f'"code": "{NOT_ENOUGH_SPACE}"' in sink.output(), "the sink has met the full disk")
        system.works()
