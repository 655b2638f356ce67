"""The recorder's settings, measured: `python -m bench.recorder`."""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.lib.figures import RESULTS, say, write_section
from bench.recorder import (
    backlog,
    beside,
    compression,
    exits,
    idle,
    main_thread,
    model,
    pictures,
    power,
    replay,
    sizes,
    stack,
)
from bench.recorder.browser import chromium
from bench.recorder.proxy import proxying
from bench.recorder.serving import serving
from bench.recorder.settings import SETTINGS
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: rounds, and times in s."""

    sessions: int = 1_000
    rounds: int = 3
    flush_rounds: int = 2
    idle: float = 60.0
    offline_minutes: int = 2
    beside: float = 70.0
    exits: float = 0.5
    replay: float = 8.0
    replay_rounds: int = 1


QUICK = Effort(200, 1, 1, 10.0, 2, 20.0, 0.1, 3.0, 1)
Part = Callable[[Settings, str, Effort], dict[str, Any]]


def _observing(settings: Settings, origin: str, effort: Effort) -> dict[str, Any]:
    with chromium() as browser, proxying(1, settings.collector_port) as proxy:
        port = proxy.ports[0]
        return {
            "chromium": browser.version,
            "page": main_thread.observing(browser, origin, port, effort.rounds),
            "record": main_thread.recording(browser, origin, port, effort.rounds),
            "longest": main_thread.longest(origin, port, effort.rounds),
        }


def _flushing(settings: Settings, origin: str, effort: Effort) -> dict[str, Any]:
    with chromium() as browser, proxying(1, settings.collector_port) as proxy:
        return {
            "compression": compression.measure(browser, origin),
            "flushes": main_thread.flushing(browser, origin, proxy.ports[0], effort.flush_rounds),
        }


def _backlog(settings: Settings, origin: str, effort: Effort) -> dict[str, Any]:
    with chromium() as browser, proxying(1, settings.collector_port) as proxy:
        return {"batches": backlog.measure(browser, proxy, origin, effort.flush_rounds)}


def _idle(settings: Settings, origin: str, effort: Effort) -> dict[str, Any]:
    with chromium() as browser, proxying(1, settings.collector_port) as proxy:
        return idle.measure(browser, proxy, origin, effort.idle, effort.offline_minutes)


def _beside(settings: Settings, origin: str, effort: Effort) -> dict[str, Any]:
    with chromium() as browser, proxying(len(SETTINGS), settings.collector_port) as proxy:
        return beside.measure(browser, proxy, origin, effort.beside)


def _exits(settings: Settings, origin: str, effort: Effort) -> dict[str, Any]:
    return exits.measure(settings, origin, effort.exits)


def _replay(settings: Settings, _: str, effort: Effort) -> dict[str, Any]:
    return {"rate": replay.RATE, "cpu": replay.measure(settings, effort.replay, effort.replay_rounds)}


# What needs no stack, and what does.
ALONE: dict[str, Callable[[Effort], dict[str, Any]]] = {
    "sizes": lambda _: sizes.measure(),
    "model": lambda effort: {"sessions": effort.sessions, "viewers": model.model(effort.sessions)},
    "power": lambda _: {"questions": power.questions()},
}
PARTS: dict[str, Part] = {
    "observing": _observing,
    "flushing": _flushing,
    "backlog": _backlog,
    "idle": _idle,
    "replay": _replay,
    "exits": _exits,
    "beside": _beside,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts; return 0, or 1 if something was lost or counted twice."""
    options = _parser().parse_args(argv)
    effort = QUICK if options.quick else Effort()
    folder: Path = Settings.load().data_dir.resolve() / "bench-results" if options.quick else RESULTS
    wanted: list[str] = options.only or [*ALONE, *PARTS]
    found: dict[str, dict[str, Any]] = {}
    for name in (name for name in wanted if name in ALONE):
        found[name] = _measured(name, partial(ALONE[name], effort), folder)
    if any(name in PARTS for name in wanted):
        with serving() as origin, stack.running(origin) as settings:
            for name in (name for name in wanted if name in PARTS):
                found[name] = _measured(name, partial(PARTS[name], settings, origin, effort), folder)
    for path in pictures.draw(folder):
        say(f"picture: {path}")
    kinds = [kind for flush in found.get("exits", {}).get("flushes", {}).values() for kind in flush.values()]
    return 1 if any(kind["lost"] + kind["double"] for kind in kinds) else 0


def _measured(name: str, act: Callable[[], dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Measure a part and write its section, with how busy the machine was."""
    say(f"{name} (load {os.getloadavg()[0]:.1f})")
    begun, before = time.monotonic(), os.getloadavg()
    figures = act()
    loads = {"before": before[1], "after": os.getloadavg()[1]}
    path = write_section("recorder", name, {"load": loads, "took": time.monotonic() - begun, **figures}, folder)
    say(f"  {time.monotonic() - begun:.0f} s; figures: {path}")
    return figures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.recorder", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it works")
    parser.add_argument("--only", nargs="+", choices=[*ALONE, *PARTS], help="parts to measure; the others are kept")
    return parser
