"""A worker or a sink as a process of its own, as the command line runs it."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Self

from streams.embedded.components import environment, gauge_is_one, http_get
from streams.embedded.ports import Address
from streams.settings import Settings
from tests.support.wait import until

# Far above the three seconds that a start takes, for machines that are busy with other tests.
START_SECONDS = 90.0
STOP_SECONDS = 30.0


def command(kind: str) -> tuple[str, ...]:
    """The project's own command for a worker or a sink."""
    return (sys.executable, "-m", "streams", kind)


class Program:
    """Worker or sink `index` with the given settings; its output is in `<data_dir>/log/<kind>-<index>.log`."""

    def __init__(self, kind: str, settings: Settings, index: int = 0, argv: Sequence[str] = ()) -> None:
        self.kind, self.settings, self.index = kind, settings, index
        self.name = f"{kind}-{index}"
        self.log = settings.data_dir / "log" / f"{self.name}.log"
        self._argv = argv or command(kind)
        self._log_start = 0
        self._address = Address(settings.metrics_host, settings.metrics_port + 10 * index + (kind == "sink"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Is the process there?"""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs or was never started."""
        return None if self._process is None else self._process.poll()

    def start(self) -> Self:
        """Start it; don't wait."""
        assert not self.is_running
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [*self._argv, "--index", str(self.index)],
                env=os.environ | environment(self.settings),
                stdout=out,
                stderr=out,
            )
        return self

    def is_ready(self) -> bool:
        """Has it recovered all that it was assigned, and does it read that?"""
        return gauge_is_one(self.metrics(), f"impressions_{self.kind}_ready")

    def wait_ready(self) -> Self:
        """Return once it is ready. Raises AssertionError with its last output when it ends before."""

        def ready() -> bool:
            assert self.is_running, f"{self.name} ended: {self.output()[-4000:]}"
            return self.is_ready()

        until(ready, START_SECONDS, f"{self.name} is ready")
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
