"""Firefox crashes at one start in 65: it is started once more, and only once."""

from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException

from tests.browsers import machine
from tests.browsers.engines import firefox


class Driver:
    """Crashes at the first starts."""

    current_window_handle = "home"
    crashes, starts = 0, 0

    def __init__(self, *_: Any) -> None:
        type(self).starts += 1
        if self.starts <= self.crashes:
            raise WebDriverException("Process unexpectedly closed with status 11")


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> type[Driver]:
    monkeypatch.setattr(machine, "geckodriver", lambda: Path("geckodriver"))
    monkeypatch.setattr(machine, "program", lambda *_: Path("firefox-esr"))
    monkeypatch.setattr(firefox, "FirefoxDriver", Driver)
    Driver.crashes = Driver.starts = 0
    return Driver


def test_a_crash_at_its_start_is_followed_by_another_start(driver: type[Driver], tmp_path: Path) -> None:
    driver.crashes = 1
    browser = firefox.Firefox(tmp_path)
    browser.start()
    assert (driver.starts, browser.home) == (2, "home")


def test_a_second_crash_is_reported(driver: type[Driver], tmp_path: Path) -> None:
    driver.crashes = 2
    with pytest.raises(WebDriverException, match="unexpectedly closed"):
        firefox.Firefox(tmp_path).start()
    assert driver.starts == 2
