"""Draws docs/reference/collector-docs.png, the collector's page /docs, in Chromium: `python -m tools.api_picture`."""

import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from dashboards.preview import web
from dashboards.preview.pictures import shrink
from streams.collector.http.docs import page
from streams.collector.http.openapi import document
from streams.collector.reads import openapi

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "collector-docs.png"
# The whole page is several times as long: it is cut where the picture would no longer be read.
WIDTH, HEIGHT = 1100, 1590
SECONDS = 120.0


def main() -> None:
    """Draw it. Raises UserError if Chromium is missing."""
    with tempfile.TemporaryDirectory() as folder:
        shown = Path(folder) / "docs.html"
        shown.write_text(page(document(openapi.paths())))
        draw(shown, PICTURE, HEIGHT)


def draw(shown: Path, picture: Path, height: int) -> None:
    """Draw the top of a page in a file into a PNG."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            *(web.browser(), "--headless", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"),
            *([] if web.may_sandbox() else ["--no-sandbox"]),
            *(
                f"--user-data-dir={profile}",
                f"--window-size={WIDTH},{height}",
                f"--screenshot={picture}",
                shown.as_uri(),
            ),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
    with Image.open(picture) as image:
        assert image.size == (WIDTH, height)
    shrink(picture)


if __name__ == "__main__":
    main()
