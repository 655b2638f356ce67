"""The gallery on a stack of its own, with its catalogue, and a visitor: headless Chromium, driven by Selenium."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome, ChromeOptions, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains

from streams.clickhouse.client import connect
from streams.embedded import stack
from streams.embedded.components import DEFAULT, component, environment
from streams.settings import Settings
from tests.support.stack import stack_settings
from tests.support.wait import until

CATALOGUE = Path(__file__).resolve().parents[2] / "examples" / "gallery" / "artworks.csv"
ARTWORKS = 240
# Debian's packages, by the program that they bring.
PROGRAMS = {"chromium": "chromium", "chromedriver": "chromium-driver"}
# --no-sandbox: the sandbox needs rights that a container's root doesn't have.
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb")
SECONDS = 60.0

# The works that hang at least half in view, above the bar, and aren't marked as seen.
IN_VIEW_UNSEEN = """
const bar = document.querySelector(".instruments").getBoundingClientRect().top;
return [...document.querySelectorAll(".work")].filter((work) => {
  const { top, bottom, height } = work.querySelector("canvas").getBoundingClientRect();
  const seen = Math.min(bottom, bar) - Math.max(top, 0) >= height / 2;
  return seen && work.querySelector(".mark").dataset.state === "new";
}).length;
"""
SHIFTS = """
return new Promise((resolve) => {
  const unasked = (list) => list.getEntries().filter((entry) => !entry.hadRecentInput).map((entry) => entry.value);
  new PerformanceObserver((list) => resolve(unasked(list))).observe({ type: "layout-shift", buffered: true });
  // Without any entry, nothing is called.
  setTimeout(() => resolve([]), 500);
});
"""


def missing() -> str:
    """Return what is missing for a visit, as a sentence; empty if nothing is."""
    lacking = [f"{program} (Debian's {package})" for program, package in PROGRAMS.items() if not shutil.which(program)]
    return f"missing: {', '.join(lacking)}" if lacking else ""


class Gallery:
    """A running gallery, and what readers of ClickHouse see of its visitors."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.address = f"http://{component('collector-0', settings).address}/gallery/"

    def rows(self, user: str) -> list[str]:
        """Return the artwork of each row of a visitor, sorted."""
        query = (
            f"SELECT artwork_id FROM {self.settings.clickhouse_database}.impressions WHERE user_id = {{user:String}}"
        )
        with closing(connect(self.settings, "reader")) as client:
            return sorted(row[0] for row in client.query(query, {"user": user}).result_rows)


@contextmanager
def running_gallery(folder: Path) -> Iterator[Gallery]:
    """Run the embedded stack in a folder, with the gallery's catalogue."""
    settings = stack_settings(folder)
    try:
        stack.up(settings, DEFAULT, out=lambda _: None)
        command = [sys.executable, "-m", "streams", "catalogue", "load", str(CATALOGUE)]
        subprocess.run(
            command, env=os.environ | environment(settings), check=True, capture_output=True, timeout=SECONDS
        )
        yield Gallery(settings)
    finally:
        stack.down(settings, out=lambda _: None)


class Visit:
    """One browser in the gallery."""

    def __init__(self, driver: Chrome, gallery: Gallery) -> None:
        self.driver, self._gallery = driver, gallery

    def enter(self, user: str) -> None:
        """Open the gallery; return once the first works hang."""
        self.driver.get(f"{self._gallery.address}?user={user}")
        self.wait_loaded()

    def reload(self) -> None:
        """Load it again."""
        self.driver.refresh()
        self.wait_loaded()

    def wait_loaded(self) -> None:
        """Return once the first works, or the end, are there."""
        there = 'return document.querySelectorAll(".work").length || !document.querySelector(".end").hidden'
        until(lambda: self.script(there), SECONDS, "works hang")

    def wait(self, text: str, what: str) -> None:
        """Return once a script says true."""
        until(lambda: self.script(text), SECONDS, what)

    def script(self, text: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self.driver.execute_script(text, *arguments)

    def numbers(self) -> dict[str, int]:
        """Return the counts that the bar shows; -1 for what isn't known yet."""
        text = "return [...document.querySelectorAll('[data-number]')].map((n) => [n.dataset.number, n.innerText])"
        numbers = self.script(text)
        plain = {name: shown.replace(",", "") for name, shown in numbers}
        return {name: int(shown) if shown.isdigit() else -1 for name, shown in plain.items() if name != "coverage"}

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.script("return document.querySelector(arguments[0]).innerText", selector))

    def click(self, button: str) -> None:
        """Click a button, by its name in index.html."""
        self.driver.find_element("css selector", f'[data-button="{button}"]').click()

    def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def press_back(self) -> None:
        """Press Shift and Tab."""
        ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()

    def titles(self) -> list[str]:
        """Return the titles of the works that hang, in their order."""
        return list(
            self.script('return [...document.querySelectorAll(".work .title")].map((title) => title.innerText)')
        )

    def hung(self) -> list[str]:
        """Return the ids of the works that hang, in their order."""
        ids = 'return [...document.querySelectorAll(".work .title")].map((title) => title.id.replace(/-title$/, ""))'
        return list(self.script(ids))

    def seen(self) -> list[str]:
        """Return those of them that are marked as seen."""
        text = 'return [...document.querySelectorAll(".work")].map((work) => work.querySelector(".mark").dataset.state)'
        return [each for each, state in zip(self.hung(), self.script(text), strict=True) if state != "new"]

    def see_what_is_in_view(self) -> None:
        """Stay until all that hangs at least half in view is marked as seen."""
        until(lambda: self.script(IN_VIEW_UNSEEN) == 0, SECONDS, "what is in view is seen")

    def see(self, count: int) -> None:
        """Scroll on, and stay each time, until so many works are marked as seen."""
        while True:
            self.see_what_is_in_view()
            if len(self.seen()) >= count:
                return
            self.script('scrollBy({ top: innerHeight * 0.6, behavior: "instant" })')

    def pass_everything(self) -> list[str]:
        """Go to the end, whatever is seen on the way; return all works that hang."""

        def ended() -> bool:
            self.script("scrollTo(0, document.documentElement.scrollHeight)")
            return not self.script('return document.querySelector(".end").hidden')

        until(ended, SECONDS, "the end is reached")
        return self.hung()

    def wait_acknowledged(self) -> dict[str, int]:
        """Return the numbers once nothing is pending, and the collector's agree with them."""

        def settled() -> dict[str, int]:
            now = self.numbers()
            return now if now["pending"] == 0 and now["acknowledged"] == now["recorded"] > 0 else {}

        return until(settled, SECONDS, "everything is acknowledged")

    def focused(self) -> str:
        """Return the visible name of what has the focus."""
        name = (
            "const here = document.activeElement; return here.getAttribute('aria-label') || here.innerText || here.id"
        )
        return str(self.script(name)).strip().split("\n")[0]

    def complaints(self) -> list[str]:
        """Return the errors of the console, which violations of the policy are among."""
        log: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]

    def shifts(self) -> list[float]:
        """Return how much of the page moved by itself, each time it did (the layout-shift entries' values)."""
        return list(self.script(SHIFTS))


@contextmanager
def visiting(
    gallery: Gallery, folder: Path, size: tuple[int, int] = (1440, 900), scale: float = 1, dark: bool = False
) -> Iterator[Visit]:
    """Run Chromium with a profile in a folder; `size` is the view's in CSS pixels, `scale` how sharp it is."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    width, height = size
    for argument in (*ARGUMENTS, f"--user-data-dir={folder}", f"--window-size={width},{height}"):
        options.add_argument(argument)
    driver = Chrome(options, Service(str(shutil.which("chromedriver"))))
    try:
        screen = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        yield Visit(driver, gallery)
    finally:
        driver.quit()
