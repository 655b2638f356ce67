"""The store on disk: RocksDB, through rocksdict, with one database per partition."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch, WriteOptions

from streams.errors import DiskFullError, UserError
from streams.state.store import Change

MIB = 1024 * 1024
_SIZES = ("rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")


class RocksMemory:
    """Memory shared by all partitions of a worker: one block cache, to which the write buffers are charged.

    By default RocksDB gives each partition a cache and three 64 MiB write buffers, and Faust gives it 2 GiB.
    """

    def __init__(self, mib: int) -> None:
        self.cache = Cache(mib * MIB)
        # A full buffer is flushed to disk; a sixteenth each leaves room for all partitions of a worker.
        self.write_buffer = max(1, mib // 16) * MIB

    def options(self) -> Options:
        """Return options for small values, point look-ups and batched writes."""
        options = Options(raw_mode=True)
        options.create_if_missing(True)
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
            if "lock" in str(error).lower():
                raise UserError(
                    f"{self._path} is in use by another worker: give each worker on this machine its own --index."
                ) from None
            self._raise_if_full(error)
            raise
        self._write_options = WriteOptions()

    def _raise_if_full(self, error: Exception) -> None:
        if "no space left" in str(error).lower():
            why = f"no space is left for {self._path}: free some space, or move IMPRESSIONS_DATA_DIR"
            raise DiskFullError(why) from error

    def get(self, key: bytes) -> bytes | None:
        return cast(bytes | None, self._db.get(key))

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
            self._raise_if_full(error)
            raise

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        for key in cast(Iterator[bytes], self._db.keys(from_key=start)):
            if key >= stop:
                return
            yield key

    def size(self) -> int:
        return sum(self._db.property_int_value(name) or 0 for name in _SIZES)

    def clear(self) -> None:
        self._db.close()
        Rdict.destroy(str(self._path), Options(raw_mode=True))
        self._open()

    def close(self) -> None:
        self._db.close()
