"""The worker as a process of its own, as the command line runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from streams.embedded.components import environment, gauge_is_one, http_get
from streams.embedded.ports import Address
from streams.settings import Settings
from tests.support.wait import until

# Far above the three seconds that a start takes, for machines that are busy with other tests.
START_SECONDS = 90.0
STOP_SECONDS = 30.0
COMMAND = (sys.executable, "-m", "streams", "worker")


class WorkerProcess:
    """Worker `index` with the given settings; its output is in `<data_dir>/log/worker-<index>.log`."""

    def __init__(self, settings: Settings, index: int = 0, command: Sequence[str] = COMMAND) -> None:
        self.settings, self.index, self._command = settings, index, command
        self.log = settings.data_dir / "log" / f"worker-{index}.log"
        self._log_start = 0
        self._address = Address(settings.metrics_host, settings.metrics_port + 10 * index)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> Path:
        """The folder of its local state."""
        return self.settings.data_dir / "state" / f"worker-{self.index}"

    @property
    def is_running(self) -> bool:
        """Is the process there?"""
        return self._process is not None and self._process.poll() is None

    def start(self) -> "WorkerProcess":
        """Start it; don't wait."""
        assert not self.is_running
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [*self._command, "--index", str(self.index)],
                env=os.environ | environment(self.settings),
                stdout=out,
                stderr=out,
            )
        return self

    def wait_ready(self) -> "WorkerProcess":
        """Return once all that it was assigned is recovered and read."""

        def ready() -> bool:
            assert self.is_running, f"the worker ended: {self.output()[-4000:]}"
            return gauge_is_one(self.metrics(), "impressions_worker_ready")

        until(ready, START_SECONDS, f"worker {self.index} is ready")
        return self

    def kill(self) -> None:
        """Kill it as kill -9 does, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end; return its exit code."""
        self.send(signal.SIGTERM)
        return self.wait_exit(seconds)

    def wait_exit(self, seconds: float = START_SECONDS) -> int:
        """Return the exit code once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(seconds)

    def output(self) -> str:
        """What it has printed since its last start."""
        return self.log.read_bytes()[self._log_start :].decode()

    def metrics(self) -> str:
        """Its metrics, empty while it serves none."""
        return http_get(self._address, "/metrics") or ""

    def partitions(self) -> int:
        """How many source partitions it holds."""
        for line in self.metrics().splitlines():
            if line.startswith("impressions_worker_partitions "):
                return int(float(line.split()[1]))
        return 0
