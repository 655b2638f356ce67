"""WebKitGTK without a driver, because its driver's sessions forget everything when they end: one page at a time."""

import subprocess
from typing import Any

from selenium.webdriver.common.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

from tests.browsers import machine, processes
from tests.browsers.engines.screen import Screen
from tests.browsers.engines.webkit import WebKit


class PlainWebKit(WebKit):
    """MiniBrowser as a user starts it. Its pages ask the site what to do; a page that is there is asked to go on."""

    polled = True

    def start(self) -> None:
        """Start its screen; the browser starts with its first page."""
        self.profile.mkdir(parents=True, exist_ok=True)
        self.screen = Screen()
        self._process: subprocess.Popen[bytes] | None = None

    def stop(self) -> None:
        """End it as a session's end does."""
        if self._process is not None:
            self._process.terminate()
        self.kill()

    def kill(self) -> None:
        """SIGKILL all of its processes at once, and end its screen."""
        self._end(self.pids())
        if self._process is not None:
            self._process.wait()
            self._process = None
        self.screen.close()

    def pids(self) -> list[int]:
        """Return the browser's processes."""
        return [] if self._process is None else [self._process.pid, *processes.descendants(self._process.pid)]

    def new_tab(self, window: bool = False) -> str:
        """Return a name for the only tab. Raises AssertionError for a second one."""
        assert self._process is None, "one page at a time without a driver: let the first one go to the next"
        return "only"

    def navigate(self, handle: str, url: str) -> None:
        """Start the browser with this page."""
        assert self._process is None, "let the page go there by itself"
        self._process = subprocess.Popen(
            [str(machine.mini_browser()), url],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the run, which ends it.
            start_new_session=True,
        )

    def call(self, handle: str, name: str, *args: Any) -> Any:
        """Its pages are called through the site."""
        raise NotImplementedError

    def close(self, handle: str) -> None:
        """Only a driver can close a tab."""
        raise NotImplementedError

    def _launch(self) -> tuple[WebDriver, Service]:
        raise NotImplementedError
