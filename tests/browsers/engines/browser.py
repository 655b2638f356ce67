"""What scenarios need of any browser; each engine's class does it in its own way."""

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.service import Service
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError

from tests.browsers import processes
from tests.support.wait import until

# For a process that was killed to be gone.
GONE_SECONDS = 20.0
# How long a page's process is kept busy to find it, and how much of that it must have had.
BURN_MS, BURN_SECONDS = 600, 10.0
SCRIPT = "return window.page[arguments[0]](...arguments[1])"


class Browser(ABC):
    """A browser with a profile. A handle is WebDriver's name of a tab; `home` is one that stays."""

    name: ClassVar[str]

    def __init__(self, profile: Path) -> None:
        self.profile = profile
        self._driver: WebDriver | None = None
        self._service: Service | None = None
        self.home = ""

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """Return the browser's name and version. Raises MissingError if something is not here."""

    @abstractmethod
    def _launch(self) -> tuple[WebDriver, Service]:
        """Start driver and browser."""

    # Life

    def start(self) -> None:
        """Start it."""
        self.profile.mkdir(parents=True, exist_ok=True)
        self._driver, self._service = self._launch()
        self.home = self._driver.current_window_handle

    def stop(self) -> None:
        """End it in the orderly way, and whatever that leaves."""
        if self._driver is None:
            return
        pids = self.pids()
        # A browser that was killed can't say good-bye.
        with suppress(WebDriverException, HTTPError, OSError):
            self._driver.quit()
        self._end(pids)

    def kill(self) -> None:
        """SIGKILL all of its processes at once, and its driver's."""
        self._end(self.pids())

    def _end(self, pids: list[int]) -> None:
        processes.kill(pids)
        until(lambda: not any(map(processes.is_alive, pids)), GONE_SECONDS, f"{self.name} is gone")
        if self._service is not None:
            process: subprocess.Popen[bytes] | None = getattr(self._service, "process", None)
            if process is not None:
                process.wait(GONE_SECONDS)
        self._driver = self._service = None

    @property
    def driver(self) -> WebDriver:
        """Return WebDriver's session, for what only one engine can do."""
        assert self._driver is not None, "the browser runs"
        return self._driver

    def pids(self) -> list[int]:
        """Return the processes of the driver and the browser."""
        process = getattr(self._service, "process", None)
        return [] if process is None else [process.pid, *processes.descendants(process.pid)]

    # Tabs

    def new_tab(self, window: bool = False) -> str:
        """Open a tab, or a window, in front."""
        self.driver.switch_to.new_window("window" if window else "tab")
        return self.driver.current_window_handle

    def select(self, handle: str) -> None:
        """Let WebDriver speak to a tab. Firefox and WebKitGTK bring it to the front."""
        self.driver.switch_to.window(handle)

    def front(self, handle: str) -> None:
        """Bring a tab to the front."""
        self.select(handle)

    def navigate(self, handle: str, url: str) -> None:
        """Let a tab load an address, as if it were typed; don't wait for it."""
        self.select(handle)
        self.driver.get(url)

    def call(self, handle: str, name: str, *args: Any) -> Any:
        """Call a function of the page in a tab."""
        self.select(handle)
        return self.driver.execute_script(SCRIPT, name, list(args))

    def close(self, handle: str) -> None:
        """Close a tab as WebDriver does: its page sees its exit."""
        self.select(handle)
        self.driver.close()
        self.select(self.home)

    def hide(self, handle: str) -> None:
        """Put another tab in front."""
        self.front(self.home)

    def show(self, handle: str) -> None:
        """Put it in front again."""
        self.front(handle)

    def kill_renderer(self, handle: str) -> None:
        """SIGKILL the process that runs the tab's page."""
        before = {pid: processes.cpu_ticks(pid) for pid in self.pids()[1:]}
        self.call(handle, "burn", BURN_MS)
        busy = until(lambda: self._busy(before), BURN_SECONDS, "the page's process is busy")
        os.kill(busy, signal.SIGKILL)
        until(lambda: not processes.is_alive(busy), GONE_SECONDS, "the page's process is gone")

    def _busy(self, before: dict[int, int]) -> int:
        """Return the process that used most CPU time, once it is half of what the page was told to use; else 0."""
        used = {pid: processes.cpu_ticks(pid) - ticks for pid, ticks in before.items() if self.renders(pid)}
        most = max(used, key=lambda pid: used[pid], default=0)
        enough = os.sysconf("SC_CLK_TCK") * BURN_MS / 1000 / 2
        return most if most and used[most] >= enough else 0

    def renders(self, pid: int) -> bool:
        """Return whether a process is one that runs pages."""
        raise NotImplementedError
