"""Pictures of whole dashboards, 1600 px wide, opened in Chromium in the dark and the light theme."""

import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from PIL import Image

from dashboards.preview import model, web
from dashboards.preview.server import Site, serving
from dashboards.preview.sources import Sources
from streams.settings import Settings

WIDTH = 1600
THEMES = ("dark", "light")
# In a page's address: show every section, also those that are closed at first.
OPENED = {"open": "all"}
# For one page: its queries on a busy machine, and drawing it.
PAGE_SECONDS = 90
# What a browser may take to start and end, in addition.
BROWSER_SECONDS = 60
# A page uses some dozens of colours; the rest is for the edges of letters and for gradients. The first number that
# makes the file small enough is used, else the last: with fewer, thin lines lose their colour.
COLOURS = (255, 128)
# Rounds of k-means after the median cut, which by itself drops colours that few pixels have.
ROUNDS = 3
MOST_BYTES = 300_000


@dataclass(frozen=True)
class Picture:
    """The result of a page: its console's errors, and what each panel drew or reported."""

    uid: str
    theme: str
    file: Path | None
    errors: list[str]
    panels: list[dict[str, Any]]

    @property
    def failures(self) -> list[str]:
        """The console's errors, and the panels with failed queries."""
        return [f"{self.uid}: {error}" for error in self.errors] + self._said(failed=True)

    @property
    def notes(self) -> list[str]:
        """The panels that have no data or can't be drawn here."""
        return self._said(failed=False)

    def _said(self, failed: bool) -> list[str]:
        return [
            f"{self.uid}, panel {panel['id']} ({panel['type']}): {panel['message']}"
            for panel in self.panels
            if panel["message"] is not None and panel["failed"] is failed
        ]


def take(
    address: str,
    uids: Sequence[str],
    queries: Mapping[str, Mapping[str, str]],
    folder: Path | None,
    suffix: str = "",
    themes: Sequence[str] = THEMES,
) -> list[Picture]:
    """Open each dashboard of a served site in each theme; with a folder, keep `<uid><suffix>-<theme>.png` there.

    `queries` holds the query of each dashboard's address: `from`, `to` (ms), `var-NAME` and so on. Raises UserError if
    Node or Chromium is missing or a page does not get ready.
    """
    pages, wanted = [], []
    for uid in uids:
        for theme in themes:
            file = folder / f"{uid}{suffix}-{theme}.png" if folder else None
            query = urllib.parse.urlencode({**queries.get(uid, {}), "theme": theme})
            pages.append({"url": f"{address}/d/{uid}?{query}", "file": str(file) if file else None})
            wanted.append((uid, theme, file))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    order = {
        "browser": web.browser(),
        "sandbox": web.may_sandbox(),
        "width": WIDTH,
        "seconds": PAGE_SECONDS,
        "pages": pages,
    }
    command = [web.node(), str(web.SOURCES / "shoot.mjs"), str(web.FOLDER)]
    seconds = BROWSER_SECONDS + PAGE_SECONDS * len(pages)
    answer = web.run(command, web.FOLDER, seconds, "The pictures can't be taken", orjson.dumps(order).decode())
    for _, _, file in wanted:
        if file:
            shrink(file)
    return [
        Picture(uid, theme, file, page["errors"], page["panels"])
        for (uid, theme, file), page in zip(wanted, orjson.loads(answer), strict=True)
    ]


def of_stack(
    settings: Settings,
    prometheus: str | None,
    uids: Sequence[str],
    span: tuple[int, int],
    folder: Path,
    suffix: str = "",
    themes: Sequence[str] = THEMES,
) -> list[Picture]:
    """Take pictures of some dashboards of the project, showing a running stack in a time range (ms).

    Raises UserError as `take` does.
    """
    dashboards = model.load(model.FOLDER)
    site = Site({uid: dashboards[uid] for uid in uids}, Sources(settings, prometheus), web.ready(lambda _line: None))
    with serving(site) as address:
        start, stop = map(str, span)
        queries = {uid: {"from": start, "to": stop} | OPENED for uid in uids}
        return take(address, uids, queries, folder, suffix, themes)


def shrink(file: Path) -> None:
    """Rewrite a PNG with a palette."""
    with Image.open(file) as image:
        full = image.convert("RGB")
    for colours in COLOURS:
        small = full.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=ROUNDS, dither=Image.Dither.NONE)
        small.save(file, optimize=True)
        if file.stat().st_size <= MOST_BYTES:
            return
