"""A worker's starts on one broker, with a given state."""

import shutil
import time
from dataclasses import dataclass

from bench.lib import users, worker
from bench.lib.backlog import SPAN_MS
from bench.lib.broker import write
from bench.lib.figures import say
from bench.lib.measure import MIB
from bench.lib.traffic import now_ms
from bench.lib.worker import Sample
from bench.recovery import restart
from bench.recovery.restart import Start, folder_bytes, middle
from streams.embedded.kafka import broker
from streams.embedded.run_folder import RunFolder
from streams.kafka.admin import describe
from streams.kafka.names import IMPRESSIONS, changelog
from streams.settings import Settings
from streams.state.partition_state import Table

# The slowest rate worth waiting for, far below what a laptop reaches.
SLOWEST_RATE = 2_000
READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes on disk (bytes): the broker's changelogs, compressed as sent, and the worker's RocksDB."""

    windows_changelog: int
    coverage_changelog: int
    rocksdb: int

    @property
    def changelogs(self) -> int:
        """The total of both."""
        return self.windows_changelog + self.coverage_changelog


class Starts:
    """Starts worker 0 repeatedly, with or without its local state."""

    def __init__(self, settings: Settings, repeats: int) -> None:
        self.settings, self._repeats = settings, repeats
        self.partitions = describe(settings, IMPRESSIONS).partitions
        self._folder = settings.data_dir / "state"
        self._round = 0
        write(settings, [])  # the catalogue, and no records

    def measure(self, what: str, fresh: bool) -> Start:
        """Start and kill the worker several times, without its local state if `fresh`; return the median."""
        done = []
        for number in range(1, self._repeats + 1):
            if fresh:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._round += 1
            probes = users.probes(self._round, self.partitions, now_ms())
            users.produce(self.settings, probes)
            start = restart.measure(self.settings, len(probes) * users.IMPRESSIONS_A_USER, what, say)
            say(f"{what} ({number} of {self._repeats}): ready {start.ready:.1f} s, decided {start.decided:.1f} s")
            done.append(start)
        return middle(done)

    def build(self, count: int) -> list[Sample]:
        """Make users' state as in operation, by deciding; then kill the worker. Return its samples."""
        begun, total = time.monotonic(), count * users.IMPRESSIONS_A_USER
        users.produce(self.settings, users.packed(count, self.partitions, now_ms() - 2 * SPAN_MS, SPAN_MS))
        say(f"backlog: {count:,} users, {total:,} impressions, {time.monotonic() - begun:.0f} s")
        program = worker.program(self.settings).start()
        samples = worker.follow(self.settings, total, (0,), READY_SECONDS + total / SLOWEST_RATE, say)
        program.kill()
        say(f"state: {count:,} users, {time.monotonic() - begun:.0f} s")
        return samples

    def sizes(self) -> Sizes:
        """Return the state's size now, before a compaction or a fresh store changes it."""
        data = broker.data_dir(RunFolder(self.settings.data_dir))
        logs = {table: folder_bytes(data, f"{changelog(table)}-*/*.log") for table in Table}
        return Sizes(logs[Table.WINDOWS], logs[Table.COVERAGE], folder_bytes(self._folder, "**/*"))


def mib(size: float) -> str:
    """Format a size for a cell."""
    return f"{size / MIB:,.1f}"
