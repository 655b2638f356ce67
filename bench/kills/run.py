"""What SIGKILLs cost our worker and its peers: `python -m bench.kills`."""

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bench.kills import kill
from bench.kills.kill import Outcome
from bench.lib.broker import only_bench, running_broker
from bench.lib.figures import say, write
from bench.lib.figures import table as markdown
from bench.lib.systems import KILLED, OURS, SYSTEMS
from bench.throughput.report import tidy
from bench.throughput.run import fill, impressions_of, parser, prepare, start_of, with_json
from streams.settings import Settings

COLUMNS = ("system", "guarantee", "lost", "doubled", "coverage wrong (users)", "output moves again after s")
# The textbook agent is killed after each third of it: long enough for commits in between.
SLICE_SECONDS = 60.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code: 0, or 1 if our output differs from the oracle's."""
    options = with_json(parser("bench.kills", __doc__ or "")).parse_args(argv)
    settings = Settings.load()
    with only_bench(settings):
        outcomes = kills(settings, options)
    say("")
    for line in table(outcomes):
        say(line)
    if options.json:
        write(options.json.stem, as_json(outcomes, impressions_of(options)), options.json.parent)
    return code(outcomes)


def kills(settings: Settings, options: argparse.Namespace) -> list[Outcome]:
    """Kill every system twice, with one impression per record, and print each outcome at once."""
    names: list[str] = [each for each in options.systems or KILLED if each in KILLED]
    if options.quick:
        names = [OURS]
    prepared = prepare(settings, [SYSTEMS[name] for name in names])
    outcomes = []
    with running_broker(settings, say) as ours:
        backlog = fill(ours, impressions_of(options), 1, start_of(int(time.time() * 1000)))
        for name in names:
            outcome = kill.measure(SYSTEMS[name], prepared[name], ours, backlog, SLICE_SECONDS, say)
            say(sentence(outcome))
            outcomes.append(outcome)
    return outcomes


def sentence(outcome: Outcome) -> str:
    """Return a line that says what two kills did."""
    _, _, lost, doubled, wrong, moved = _cells(outcome)
    return f"{outcome.system.name}: {lost} lost, {doubled} doubled, {wrong} coverage wrong, moves again after {moved} s"


def table(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield from markdown(COLUMNS, [_cells(each) for each in outcomes])


def _cells(outcome: Outcome) -> tuple[str, ...]:
    return (
        outcome.system.title,
        outcome.system.guarantee,
        f"{outcome.output.missing:,}",
        f"{outcome.output.extra:,}",
        f"{outcome.output.wrong_coverage:,}",
        ", ".join(f"{each:.1f}" for each in outcome.moved_after),
    )


def code(outcomes: Iterable[Outcome]) -> int:
    """Return the exit code: 1 if our output or our coverage differs from the oracle's."""
    ours = [each.output for each in outcomes if each.system.name == OURS]
    return 0 if all(each.equal and not each.wrong_coverage for each in ours) else 1


def as_json(outcomes: Sequence[Outcome], impressions: int) -> dict[str, Any]:
    """Return the figures and the systems' versions."""
    return {
        "impressions": impressions,
        "kills_at": list(kill.SHARES),
        "outcomes": [tidy(each.as_json()) for each in outcomes],
        "systems": {each.system.name: each.system.version() for each in outcomes},
    }
