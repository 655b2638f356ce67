"""`python -m dashboards.preview`, run by `make preview`."""

import argparse
import signal
import sys
import threading
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console

from dashboards.preview import model, web
from dashboards.preview.pictures import OPENED, take
from dashboards.preview.play import PLAYS, Shown, look, playing
from dashboards.preview.server import Site, serving
from dashboards.preview.sources import Sources
from demo.screen import console as make_console
from demo.screen import line_printer
from streams.errors import UserError
from streams.runtime import log
from streams.settings import Settings

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "operate" / "dashboards"
PLAY = "demo"
# The shell's convention: 128 plus the signal's number.
INTERRUPTED = 128 + signal.SIGINT
# How often the live page refreshes (s).
REFRESH_SECONDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the dashboards. Return 0, 1 if a panel failed, 2 for what the user can fix."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    console = make_console()
    try:
        log.configure("WARNING")
        return preview(options, Settings.load(), console)
    except UserError as error:
        line_printer(console)(str(error))
        return 2
    except KeyboardInterrupt:
        line_printer(console)("interrupted")
        return INTERRUPTED


def preview(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Show the data of a play or of a running stack. Raises UserError."""
    out = line_printer(console)
    dashboards = model.load(options.dashboards)
    drawn = [options.only] if options.only else list(dashboards)
    if unknown := set(drawn) - set(dashboards):
        raise UserError(f"There is no dashboard {unknown.pop()}: their names are {', '.join(dashboards)}.")
    if options.pictures:
        # Checked first, so the demo is not played for nothing.
        web.browser()
    folder = web.ready(out)
    with source(options, settings, console) as shown:
        queries = {uid: query_of(dashboards[uid], shown, options.var) for uid in drawn}
        live = urllib.parse.urlencode({"from": shown.played[0], "to": "now", "refresh": REFRESH_SECONDS})
        site = Site(dashboards, Sources(shown.settings, shown.prometheus), folder, live)
        with serving(site, options.port) as address:
            failed = draw(address, dashboards, queries, options, out)
            if options.serve:
                out(f"The dashboards are at {address}/ until Ctrl-C.")
                threading.Event().wait()
    return failed


def draw(
    address: str,
    dashboards: Mapping[str, Mapping[str, Any]],
    queries: Mapping[str, Mapping[str, str]],
    options: argparse.Namespace,
    out: web.Out,
) -> int:
    """Take the pictures, and print what is missing in each panel; return 1 if a panel failed, else 0."""
    if not options.pictures:
        return 0
    suffix = "" if options.play == PLAY else f"-{options.play}"
    taken = take(address, list(queries), queries, options.out, suffix)
    # As it is when opened, and with every section.
    opened = {uid: {**queries[uid], **OPENED} for uid in queries if model.sections(dashboards[uid])}
    if opened:
        taken += take(address, list(opened), opened, options.out, f"{suffix}-sections")
    for picture in taken:
        size = picture.file.stat().st_size // 1000 if picture.file else 0
        out(f"{picture.file}: {len(picture.panels)} panels, {size} kB")
    failures = list(dict.fromkeys(failure for picture in taken for failure in picture.failures))
    for line in dict.fromkeys([*failures, *(note for picture in taken for note in picture.notes)]):
        out(f"  {line}")
    return 1 if failures else 0


@contextmanager
def source(options: argparse.Namespace, settings: Settings, console: Console) -> Iterator[Shown]:
    """Yield the stack to show: a running one if its address was given, else that of a play."""
    if options.clickhouse is None:
        with playing(settings, console, options.play) as shown:
            yield shown
    else:
        yield look(settings.model_copy(update={"clickhouse_url": options.clickhouse}), options.prometheus)


def query_of(dashboard: Mapping[str, Any], shown: Shown, variables: Sequence[str]) -> dict[str, str]:
    """Return the query of a picture's address: the range in which the dashboard's queries find the data.

    Most dashboards go by the time of receipt; one that goes by the time of seeing gets that range.
    """
    texts = [
        str(target.get("rawSql", "")) for panel in model.panels(dashboard) for target in panel.get("targets") or []
    ]
    seen = sum("(seen_at)" in text for text in texts)
    received = sum("timeFilter" in text and "(seen_at)" not in text for text in texts)
    start, stop = shown.seen if seen > received else shown.played
    named = dict(text.partition("=")[::2] for text in variables)
    return {"from": str(start), "to": str(stop), **{f"var-{name}": value for name, value in named.items()}}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m dashboards.preview",
        description="Draw every dashboard with Grafana's own components from its queries: pictures, and a live page.",
    )
    parser.add_argument("--serve", action="store_true", help="keep the page until Ctrl-C")
    parser.add_argument(
        "--no-pictures", dest="pictures", action="store_false", help="the page alone; needs no Chromium"
    )
    parser.add_argument(
        "--out", type=Path, default=PICTURES, metavar="DIR", help="of the pictures (docs/operate/dashboards)"
    )
    parser.add_argument("--port", type=int, default=0, help="of the page (any that is free)")
    parser.add_argument(
        "--play", choices=list(PLAYS), default=PLAY, help="what is shown: the demo with its faults, or a healthy day"
    )
    parser.add_argument("--only", metavar="UID", help="one dashboard, such as impressions-overview")
    parser.add_argument("--clickhouse", metavar="URL", help="show this running stack and play nothing")
    parser.add_argument("--prometheus", metavar="URL", help="the Prometheus beside it")
    parser.add_argument(
        "--var", action="append", default=[], metavar="NAME=VALUE", help="a variable's value in the pictures"
    )
    parser.add_argument("--dashboards", type=Path, default=model.FOLDER, metavar="DIR", help="of the JSON")
    return parser.parse_args(arguments)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
