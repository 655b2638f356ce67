"""A worker or a sink as a separate process, run as from the command line."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from streams.embedded.components import component, http_get
from streams.embedded.program import GRACE_SECONDS, Program
from streams.embedded.run_folder import RunFolder
from streams.errors import UserError
from streams.settings import Settings

# A start takes three seconds; this leaves room for machines that are busy with other tests.
START_SECONDS = 90.0


def command(kind: str) -> tuple[str, ...]:
    """The project's own command for a worker or a sink."""
    return (sys.executable, "-m", "streams", kind)


class MemberProcess(Program):
    """Worker or sink `index` with the given settings; `argv` replaces the project's own command.

    Its process record and output are in `folder`, by default the settings' data folder.
    """

    def __init__(
        self, kind: str, settings: Settings, index: int = 0, argv: Sequence[str] = (), folder: Path | None = None
    ) -> None:
        found = component(f"{kind}-{index}", settings)
        super().__init__(
            found.name,
            RunFolder(folder or settings.data_dir),
            [*(argv or command(kind)), "--index", str(index)],
            found.program.environment,
        )
        self.kind, self.settings, self.index = kind, settings, index
        # Whether it has restored everything that it was assigned, and now reads it.
        self.is_ready = found.ready
        self._address = found.address

    def wait_ready(self) -> Self:
        """Return once it is ready. Raises AssertionError with its last output if it ends before."""
        try:
            self.wait_until(self.is_ready, START_SECONDS)
        except UserError as error:
            raise AssertionError(f"{error} {self.output()[-4000:]}") from None
        return self

    def stop(self, grace: float = GRACE_SECONDS) -> int | None:
        """Ask it to end; return its exit code. Raises AssertionError if it doesn't end by itself."""
        self.send(signal.SIGTERM)
        assert self.ended(grace), f"{self.name} does not end: {self.output()[-4000:]}"
        return super().stop()

    def wait_exit(self, seconds: float = START_SECONDS) -> int | None:
        """Return the exit code once it has ended by itself. Raises AssertionError if it doesn't."""
        assert self.ended(seconds), f"{self.name} has not ended within {seconds} s"
        return self.exit_code

    def metrics(self) -> str:
        """Its metrics; empty while it serves none."""
        return http_get(self._address, "/metrics") or ""
