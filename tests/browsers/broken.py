"""Browsers with something wrong, and pages that do something besides: what `site/static/broken.js` offers."""

import html
import json
from typing import Any

# The subjects for which a scenario makes sense that needs an answer, a number or an option of our own.
OURS = ("recorder",)
# So much of what it records goes to the collector at once, in less than a second.
SOON = {"flushMs": 200}


def broken(*quirks: str, **valued: Any) -> str:
    """Return a plan's `head` with these quirks; those that take a value by name: `clock=3_600_000`."""
    setup = html.escape(json.dumps({**dict.fromkeys(quirks, True), **valued}), quote=True)
    return f'<script src="/static/broken.js" data-setup="{setup}"></script>\n'
