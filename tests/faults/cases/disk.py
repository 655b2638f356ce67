"""The disk under RocksDB or under ClickHouse is full. Each has a small file system of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
def full(folder: Path, but_for_mib: int = 0) -> Iterator[None]:
    """Fill the folder's file system during the body, but for so much space."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="ballast", buffering=0) as ballast:
        with suppress(OSError):  # it is full, as wanted
            while shutil.disk_usage(folder).free > but_for_mib * MIB:
                ballast.write(b"\0" * MIB)
        yield


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
    """Little space for parts, then none: the sink waits, and continues once there is space."""
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
    with full(disk, but_for_mib=64):
        system.until(lambda: f'"code": "{NOT_ENOUGH_SPACE}"' in sink.output(), "the sink has met the full disk")
        with full(disk):
            system.works()
