"""`python -m tests.browsers.trackers.collect`: what the runs found, gathered for docs/evidence/trackers.md.

It reads the results of `python -m tests.browsers --subject NAME` for each tracker, our recorder and the naive control,
and writes `bench/results/trackers.json`; `python -m tools.evidence` makes the page's tables of that.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.lib import figures
from tests.browsers import results
from tests.browsers.play import EARLY, RAW
from tests.browsers.results import Result
from tests.browsers.scenario import load_all
from tests.browsers.trackers.vendors import VENDORS

OURS, CONTROL = "recorder", "control"
SUBJECTS = (OURS, CONTROL, *(vendor.name for vendor in VENDORS))


def main() -> int:
    """Write the file; return 2 if there are no results of a tracker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path(".local/browsers"), help="of the runs (%(default)s)")
    parser.add_argument("--out", type=Path, default=figures.RESULTS, help="the folder to write to")
    options = parser.parse_args()
    runs = {name: path for name in SUBJECTS if (path := options.results / results.FILE.format(name)).exists()}
    if not set(runs) - {OURS, CONTROL}:
        sys.stdout.write(f"{options.results} holds no results of a tracker: run python -m tests.browsers --subject …\n")
        return 2
    path = figures.write("trackers", gathered(runs), options.out, module="tests.browsers.trackers.collect")
    sys.stdout.write(f"{path}\n")
    return 0


def gathered(runs: dict[str, Path]) -> dict[str, Any]:
    """Return what the file holds."""
    loaded = {name: results.load(path) for name, path in runs.items()}
    played = {each.scenario for run in loaded.values() for each in run.results}
    return {
        "engines": {name: version for run in loaded.values() for name, version in run.engines.items()},
        "subjects": {name: run.version for name, run in loaded.items()},
        "vendors": {vendor.name: {**asdict(vendor), "version": vendor.version} for vendor in VENDORS},
        "scenarios": [
            {"name": each.name, "group": each.group, "source": each.source, "what": each.what}
            for each in load_all().values()
            if each.name in played
        ],
        "results": [row for run in loaded.values() for row in map(_row, run.results)],
    }


def _row(result: Result) -> dict[str, Any]:
    return dict(_fields(result))


def _fields(result: Result) -> Iterator[tuple[str, Any]]:
    yield from (("subject", result.subject), ("engine", result.engine), ("scenario", result.scenario))
    if result.skipped:
        yield "skipped", result.why
        return
    yield from (("recorded", result.recorded), ("lost", result.lost), ("double", result.double))
    if RAW in result.facts:
        yield "double_raw", result.facts[RAW]
    if EARLY in result.facts:
        yield "ended_early", result.facts[EARLY]


if __name__ == "__main__":
    sys.exit(main())
