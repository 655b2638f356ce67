"""The worker as a separate process, and its local state."""

from collections.abc import Sequence
from pathlib import Path

from streams.settings import Settings
from tests.support.program import MemberProcess


class WorkerProcess(MemberProcess):
    """Worker `index` with the given settings."""

    def __init__(self, settings: Settings, index: int = 0, argv: Sequence[str] = ()) -> None:
        super().__init__("worker", settings, index, argv)

    @property
    def state(self) -> Path:
        """The folder of its local state."""
        return self.settings.data_dir / "state" / self.name

    def partitions(self) -> int:
        """The number of source partitions that it holds."""
        for line in self.metrics().splitlines():
            if line.startswith("impressions_worker_partitions "):
                return int(float(line.split()[1]))
        return 0
