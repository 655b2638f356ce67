"""The store on disk: RocksDB, through rocksdict, with one database per partition."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn, cast

from rocksdict import (
    BlockBasedOptions,
    Cache,
    Options,
    Rdict,
    RdictIter,
    ReadOptions,
    WriteBatch,
    WriteBufferManager,
    WriteOptions,
)

from streams.errors import DiskFullError, StateUnreadableError, UserError
from streams.state.store import Change

MIB = 1024 * 1024
_SIZES = ("rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")


class RocksMemory:
    """Memory shared by all partitions of a worker: one block cache, to which the write buffers are charged.

    By default RocksDB gives each partition a cache and three 64 MiB write buffers, and Faust gives it 2 GiB.
    """

    def __init__(self, mib: int) -> None:
        self.cache = Cache(mib * MIB)
        # Whatever the number of partitions, their write buffers take half of the cache at most: beyond that, one is
        # flushed to disk early.
        self.buffers = WriteBufferManager.new_write_buffer_manager_with_cache(mib * MIB // 2, False, self.cache)
        # A full buffer is flushed to disk; a sixteenth each leaves room for all partitions of a worker.
        self.write_buffer = max(1, mib // 16) * MIB

    def options(self) -> Options:
        """Return options for small values, point look-ups and batched writes."""
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_manager(self.buffers)
        options.set_write_buffer_size(self.write_buffer)
        options.set_max_write_buffer_number(2)
        # Two background threads in all: the agent needs the other core.
        options.set_max_background_jobs(2)
        options.set_keep_log_file_num(2)
        table = BlockBasedOptions()
        table.set_block_cache(self.cache)
        table.set_cache_index_and_filter_blocks(True)
        # 10 bits per key: 1 % false positives. Most neighbours of a window don't exist, so most look-ups need no read.
        table.set_bloom_filter(10, False)
        options.set_block_based_table_factory(table)
        return options


class RocksStore:
    """A RocksDB database. A batch is one write-ahead-log record: after SIGKILL it exists whole or not at all.

    The log is not fsynced: what a power cut loses is recovered from the changelogs, starting at the checkpoint in the
    surviving batches.
    """

    def __init__(self, path: Path, memory: RocksMemory) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path, self._memory = path, memory
        self._open()

    def _open(self) -> None:
        try:
            self._db = Rdict(str(self._path), self._memory.options())
        except Exception as error:  # rocksdict has no type for it
            # Not just "lock": errors of damaged stores speak of blocks.
            if "/LOCK: " in str(error):
                raise UserError(
                    f"{self._path} is in use by another worker: give each worker on this machine its own --index."
                ) from None
            self._fail(error)
        self._write_options = WriteOptions()

    def _fail(self, error: Exception) -> NoReturn:
        if "no space left" in str(error).lower():
            why = f"no space is left for {self._path}: free some space, or move IMPRESSIONS_DATA_DIR"
            raise DiskFullError(why) from error
        raise StateUnreadableError(
            f"the store {self._path} can't be used ({error}): check the disk, and move this folder away; the worker "
            "then restores it from the changelogs."
        ) from error

    def get(self, key: bytes) -> bytes | None:
        try:
            return cast(bytes | None, self._db.get(key))
        except Exception as error:  # rocksdict has no type for it
            self._fail(error)

    def write(self, changes: Iterable[Change]) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in changes:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        try:
            self._db.write(batch, self._write_options)
        except Exception as error:  # rocksdict has no type for it
            self._fail(error)

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        return (cast(bytes, at.key()) for at in self._within(start, stop))

    def items(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        return (cast(tuple[bytes, bytes], (at.key(), at.value())) for at in self._within(start, stop))

    def _within(self, start: bytes, stop: bytes) -> Iterator[RdictIter]:
        """Yield an iterator at each key of the range. rocksdict's own keys() and items() end silently on an error."""
        options = ReadOptions()
        options.set_iterate_upper_bound(stop)
        try:
            at = self._db.iter(options)
            at.seek(start)
            while at.valid():
                yield at
                at.next()
            at.status()
        except Exception as error:  # rocksdict has no type for it
            self._fail(error)

    def size(self) -> int:
        return sum(self._db.property_int_value(name) or 0 for name in _SIZES)

    def clear(self) -> None:
        self._db.close()
        Rdict.destroy(str(self._path), Options(raw_mode=True))
        self._open()

    def close(self) -> None:
        self._db.close()
