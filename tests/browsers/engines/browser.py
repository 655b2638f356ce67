"""What scenarios need of any browser; each engine's class does it in its own way."""

import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
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
# A page's process is kept busy to find it, again and again, until it has had so much CPU time.
BURN_MS, BURNT_SECONDS, BURN_SECONDS = 300, 0.3, 30.0
# Where a window is restored to: x, y, width, height.
PLACE = (0, 0, 1200, 900)
# A driver's process: Ctrl-C is for the run, which ends it.
APART = {"start_new_session": True}
SCRIPT = "return window.page[arguments[0]](...arguments[1])"


class Browser(ABC):
    """A browser with a profile. A handle is WebDriver's name of a tab; `home` is one that stays."""

    name: ClassVar[str]
    polled: ClassVar[bool] = False
    """Whether its pages must ask for calls, as nothing drives it."""
    survives: ClassVar[bool] = False
    """Whether it, and its driver's session, go on after one of its renderers was killed."""

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
        """Let WebDriver speak to a tab; this brings it to the front of its window."""
        self.driver.switch_to.window(handle)

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
        """Minimise its window: its page is hidden, and can still be spoken to."""
        self.select(handle)
        self.driver.minimize_window()

    def show(self, handle: str) -> None:
        """Restore its window."""
        self.select(handle)
        self.driver.set_window_rect(*PLACE)

    def renderer(self, burn: Callable[[int], object]) -> int:
        """Return the process that runs a page: the busiest one while `burn` keeps the page busy for so many ms."""
        before = {pid: processes.cpu_ticks(pid) for pid in self.pids()}

        def busy() -> int:
            burn(BURN_MS)
            used = {pid: processes.cpu_ticks(pid) - ticks for pid, ticks in before.items() if self.renders(pid)}
            first, second = sorted([*used.values(), 0, 0], reverse=True)[:2]
            enough = os.sysconf("SC_CLK_TCK") * BURNT_SECONDS
            return max(used, key=lambda pid: used[pid]) if first >= enough and first >= 2 * second else 0

        return until(busy, BURN_SECONDS, "the page's process is the busiest")

    def kill_renderer(self, pid: int) -> None:
        """SIGKILL a page's process."""
        processes.kill([pid])
        until(lambda: not processes.is_alive(pid), GONE_SECONDS, "the page's process is gone")

    def renders(self, pid: int) -> bool:
        """Return whether a process is one that runs pages."""
        raise NotImplementedError
