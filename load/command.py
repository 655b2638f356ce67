"""The options of the load runs, and what they leave: tables, figures, and nothing that runs."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.lib.figures import RESULTS, table, write_section
from demo.screen import console as make_console
from demo.screen import line_printer
from load import report, stack
from load.limits import require_files, require_ports
from load.scenarios import SCENARIOS, Runs, catalogue_size, play
from streams.runtime import log
from streams.settings import Settings

USERS, PER_MINUTE, SECONDS = 10_000, 100_000.0, 300.0
KILL_SECONDS, DISTURBED_SECONDS = 20.0, 120.0
STEPS, STEP_SECONDS = 8, 30.0
# What a recorder waits for more before it sends.
FLUSH_SECONDS = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the runs; return 0 if everything is there, once, and 1 if not. Raises UserError for what users can fix."""
    options = parse(arguments)
    require_files(options.users)
    require_ports(options.users)
    console, settings = make_console(), Settings.load()
    say = line_printer(console)
    log.configure("WARNING")
    found: dict[str, dict[str, Any]] = {}
    with stack.only_load(settings):
        ours, artworks = stack.load_settings(settings, options.users), catalogue_size(options)
        try:
            with stack.running(ours, settings, artworks, say):
                runs = Runs(ours, options, console, artworks)
                for name in options.only or SCENARIOS:
                    held = "rate" not in found or found["rate"]["outcome"]["held"]
                    found[name] = play(name, runs, settings, held)
                    path = write_section("load", name, found[name], results(options, settings), "load")
                    say(found[name].get("missing", f"    figures: {path}"))
        finally:
            # Also of what was played before something went wrong.
            show(found, say)
    say(f"The users' ledgers are in {ours.data_dir / 'users'}.")
    return 0 if all(figures["right"] for figures in found.values()) else 1


def show(found: dict[str, dict[str, Any]], say: Callable[[str], None]) -> None:
    """Print the tables, and what is not right."""
    for make in report.TABLES:
        columns, rows = make(found)
        for line in ["", *table(columns, rows)] if rows else []:
            say(line)
    say("")
    for name, figures in found.items():
        if not figures["right"]:
            say(f"NOT RIGHT: {name}: {_what_is_wrong(figures)}")


def results(options: argparse.Namespace, settings: Settings) -> Path:
    """Return where figures go: those of a smaller run than the usual one are no evidence, and stay beside the data."""
    if options.results is not None:
        return Path(options.results)
    asked = (options.users, options.rate, options.duration, options.disturbed_seconds)
    usual = (USERS, PER_MINUTE, SECONDS, DISTURBED_SECONDS)
    smaller = any(one < other for one, other in zip(asked, usual, strict=True))
    return settings.data_dir.resolve() / "load-results" if smaller else RESULTS


def _what_is_wrong(figures: dict[str, Any]) -> str:
    """Return the verdicts that are wrong, with examples."""
    outcomes = [figures["outcome"]] if "outcome" in figures else [step["outcome"] for step in figures["steps"]]
    return "; ".join(str(each["verdict"]) for each in outcomes if not each["verdict"]["right"])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m load", description=__doc__)

    def number(name: str, default: float, text: str) -> None:
        parser.add_argument(name, type=type(default), default=default, metavar="N", help=f"{text} ({default:,})")

    number("--users", USERS, "virtual users")
    number("--rate", PER_MINUTE, "impressions a minute of all of them")
    number("--duration", SECONDS, "seconds at that rate")
    number("--flush", FLUSH_SECONDS, "seconds from a user's impression to its flush")
    number("--every", KILL_SECONDS, "seconds between two kills or restarts of a collector")
    number("--disturbed-seconds", DISTURBED_SECONDS, "seconds of the runs with kills or restarts")
    number("--steps", STEPS, "rates to try at the most, in search of the highest")
    number("--step-seconds", STEP_SECONDS, "seconds of each")
    number("--seed", 1, "of all that is random")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="play just this (may be given again)")
    where = "where figures go, as JSON (bench/results; those of a smaller run than the usual one: beside the data)"
    parser.add_argument("--results", type=Path, metavar="FOLDER", help=where)
    options = parser.parse_args(arguments)
    for name in ("users", "rate", "duration", "flush", "every", "disturbed_seconds", "step_seconds"):
        if getattr(options, name) <= 0:
            parser.error(f"--{name.replace('_', '-')} must be more than 0")
    return options
