"""Chromium under measurement: CPU time of its main thread by DevTools' protocol, of all its processes by /proc."""

import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import kill
from pathlib import Path
from typing import Any

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from bench.lib.tree import usage
from streams.errors import UserError

ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # needs rights that a container's root doesn't have
    "--disable-gpu",
    "--no-first-run",
    "--disable-component-update",
    "--disable-background-networking",
    "--window-size=1280,900",
)
# As DevTools' own panel: tasks of the main thread, each with its CPU time.
TRACED = "devtools.timeline,disabled-by-default-devtools.timeline"
SCRIPT_SECONDS = 1_800.0
LOCKS = ("SingletonLock", "SingletonCookie", "SingletonSocket")


class Chromium:
    """A browser with a profile of its own. Use `chromium`."""

    def __init__(self, profile: Path, *, traced: bool = False) -> None:
        """Start it. Raises UserError if it or its driver is missing."""
        self.profile, self._traced = profile, traced
        self._start()

    def _start(self) -> None:
        # A browser that was killed leaves its lock, which names a process that is gone.
        for lock in LOCKS:
            (self.profile / lock).unlink(missing_ok=True)
        options = ChromeOptions()
        options.binary_location = _program("chromium", "chromium")
        for argument in (*ARGUMENTS, f"--user-data-dir={self.profile}"):
            options.add_argument(argument)
        if self._traced:
            options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
            wanted = {"traceCategories": TRACED, "enableNetwork": False, "enablePage": False}
            options.add_experimental_option("perfLoggingPrefs", wanted)
        self._service = Service(_program("chromedriver", "chromium-driver"))
        self.driver = Chrome(options, self._service)
        self.driver.set_script_timeout(SCRIPT_SECONDS)

    @property
    def version(self) -> str:
        """Return its version."""
        return str(self.driver.capabilities["browserVersion"])

    def run(self, script: str, *arguments: object) -> Any:
        """Run the body of a function in the page; return what it returns, or what its promise resolves to."""
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1], args = [...arguments].slice(0, -1);"
            f"(async () => {{ {script} }})().then((value) => done([value]), (error) => done(String(error)));",
            *arguments,
        )
        if isinstance(found, str):
            raise RuntimeError(found)
        return found[0]

    def cdp(self, command: str, **parameters: Any) -> Any:
        """Send a command of DevTools' protocol to the page."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def main_thread(self) -> dict[str, float]:
        """Return the CPU seconds of the page's main thread: all tasks, and scripts in them."""
        found = {each["name"]: each["value"] for each in self.cdp("Performance.getMetrics")["metrics"]}
        own = found["TaskDuration"] - found["DevToolsCommandDuration"]
        return {"tasks": own, "scripts": found["ScriptDuration"]}

    def open(self, url: str) -> None:
        """Open a page; its CPU time is counted from here on."""
        self.driver.get(url)
        self.cdp("Performance.enable", timeDomain="threadTicks")

    def cpu_seconds(self) -> float:
        """Return the CPU time of all of the browser's processes, and of its driver, which does next to nothing."""
        return usage(self._service.process.pid).cpu_seconds

    def tasks(self) -> list[dict[str, Any]]:
        """Return what was traced since the last call: every event that has a length, its times in µs."""
        # The trace is handed over as a page goes.
        self.driver.get("about:blank")
        found = []
        for entry in self._log():
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Tracing.dataCollected" and message["params"].get("ph") in ("X", "M", "R", "I"):
                found.append(message["params"])
        return found

    def _log(self) -> list[dict[str, Any]]:
        get_log: Any = self.driver.get_log
        return list(get_log("performance"))

    def new_tab(self) -> None:
        """Go on in another tab; the first one stays, so that the browser does."""
        self.driver.switch_to.window(self.driver.window_handles[0])
        self.driver.switch_to.new_window("tab")

    def renderer(self) -> set[int]:
        """Return the process of the page: the one that is busy when the page is."""
        before = {pid: usage(pid).cpu_seconds for pid in self.processes("renderer")}
        self.run("const end = performance.now() + 300; while (performance.now() < end); return 0")
        return {max(before, key=lambda pid: usage(pid).cpu_seconds - before[pid])}

    def processes(self, kind: str) -> set[int]:
        """Return the pids of this browser's processes of a kind, such as `renderer`; `browser` is the first one."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (folder / "cmdline").read_bytes().decode(errors="replace")
                ours = f"--user-data-dir={self.profile}" in line
                if ours and (f"--type={kind}" in line if kind != "browser" else "--type=" not in line):
                    found.add(int(folder.name))
        return found

    def kill(self, pids: set[int]) -> None:
        """SIGKILL processes, and wait until they are gone."""
        for pid in pids:
            with suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)

    def kill_all(self) -> None:
        """SIGKILL all of it."""
        # The browser first: it would send what a renderer has left with it.
        for kind in ("browser", "renderer", "utility", "gpu-process"):
            self.kill(self.processes(kind))

    def restart(self) -> None:
        """End what is left of it, and start it again with the same profile."""
        self.close()
        self._start()

    def close(self) -> None:
        """End it, whatever is left of it."""
        with suppress(WebDriverException, OSError):
            self.driver.quit()
        self._service.stop()
        self.kill_all()


@contextmanager
def chromium(*, traced: bool = False) -> Iterator[Chromium]:
    """Run a browser with an empty profile."""
    folder = Path(tempfile.mkdtemp(prefix="bench-recorder-"))
    browser = Chromium(folder, traced=traced)
    try:
        yield browser
    finally:
        browser.close()
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UserError(f"{name} is missing: install Debian's {package}.")
    return found
