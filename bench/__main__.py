"""The whole benchmark: throughput, then kills; tables, figures and pictures: `python -m bench`."""

import time
from collections.abc import Sequence
from pathlib import Path

from bench import pictures
from bench.kills import run as kills
from bench.lib.broker import only_bench
from bench.lib.command import run
from bench.lib.figures import RESULTS, say, write
from bench.throughput import report
from bench.throughput import run as throughput
from bench.throughput.run import impressions_of, parser
from streams.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run it; return the exit code: 0, or 1 if our output differs from the oracle's in either table."""
    known = parser("bench", __doc__ or "")
    known.add_argument("--results", type=Path, metavar="FOLDER", help="where figures and pictures go")
    options = known.parse_args(argv)
    settings, begun = Settings.load(), time.monotonic()
    # A quick run's figures are not a result: they go beside the data.
    folder: Path = options.results or (settings.data_dir.resolve() / "bench-results" if options.quick else RESULTS)
    with only_bench(settings):
        results = throughput.throughput(settings, options)
        outcomes = kills.kills(settings, options)
    rows = report.rows(results)
    write("throughput", report.as_json(results, impressions_of(options)), folder)
    write("kills", kills.as_json(outcomes, impressions_of(options)), folder)
    pictures.throughput(rows, folder)
    pictures.kills(outcomes, folder)
    say("")
    for line in report.table(rows):
        say(line)
    say("")
    say("Killed twice while working off the backlog, one impression a record:")
    for line in kills.table(outcomes):
        say(line)
    say(f"Figures and pictures are in {folder}; it took {(time.monotonic() - begun) / 60:.0f} minutes.")
    return max(throughput.code(results), kills.code(outcomes))


if __name__ == "__main__":
    run(main)
