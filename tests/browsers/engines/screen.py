"""A screen in memory, for a browser that has no headless mode."""

import os
import subprocess

from tests.browsers import machine

SIZE = "1280x1024x24"
END_SECONDS = 10.0


class Screen:
    """Xvfb on a display of its own."""

    def __init__(self) -> None:
        readable, writable = os.pipe()
        self._process = subprocess.Popen(
            [
                str(machine.program("Xvfb", "xvfb")),
                "-displayfd",
                str(writable),
                "-screen",
                "0",
                SIZE,
                "-nolisten",
                "tcp",
            ],
            pass_fds=[writable],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the run, which ends it.
            start_new_session=True,
        )
        os.close(writable)
        with os.fdopen(readable) as display:
            # It writes the number that it found free once it serves it.
            self.name = f":{display.readline().strip()}"

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(END_SECONDS)
