"""The engines: Chromium, Firefox and WebKitGTK as Debian has them, driven by Selenium. None is Safari."""

from pathlib import Path

from tests.browsers.engines.browser import Browser
from tests.browsers.engines.chromium import Chromium
from tests.browsers.engines.firefox import Firefox
from tests.browsers.engines.plain_webkit import PlainWebKit
from tests.browsers.engines.webkit import WebKit

ENGINES: dict[str, type[Browser]] = {each.name: each for each in (Chromium, Firefox, WebKit)}


def require(name: str) -> str:
    """Return an engine's version. Raises MissingError if its browser or driver isn't here."""
    return ENGINES[name].version()


def browser(name: str, profile: Path, persistent: bool) -> Browser:
    """Return a browser with this profile, not started yet; `persistent`: the profile outlives its process."""
    return PlainWebKit(profile) if persistent and name == WebKit.name else ENGINES[name](profile)
