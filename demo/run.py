"""The demo from start to end: stack, play, wait, recount, compare."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console

from demo import stack
from demo.check.compare import compare, invariants
from demo.check.forwards import compare_forwards
from demo.check.recount import recount
from demo.check.recount_log import LogReader
from demo.check.recount_types import Config
from demo.killer import CYCLE_SECONDS, Killer
from demo.kpis import read_kpis
from demo.plan.plan import Plan, make_plan
from demo.plan.steps import ARTWORKS, IMPRESSIONS
from demo.player import Deliveries, Player
from demo.progress import progress
from demo.report import Summary
from demo.result_reader import ResultReader
from demo.settle import settle
from streams.settings import Settings

# Long enough to be watched and for latencies to be those of a trickle, short enough for a demo of a minute.
PLAY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    seed: int = 1
    kill_worker: int = 0
    keep: bool = False
    json: Path | None = None
    svg: Path | None = None


class Phases:
    """How long each phase took (s)."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure the body."""
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun, 2)


def run(options: Options, settings: Settings, demo: Settings, console: Console) -> Summary:
    """Play the log through a fresh stack of the demo's own and return the summary; the stack is left running.

    Raises UserError for what the user can mend, KafkaException or clickhouse-connect's errors for what failed.
    """
    phases = Phases()
    out = line_printer(console)
    with phases.phase("stack"):
        # Each topic and migration that is new, which is all of them, is an indented line.
        stack.start(demo, settings, lambda line: None if line.startswith(" ") else out(line))
    with ExitStack() as cleanup:
        log = cleanup.enter_context(closing(LogReader(demo.kafka_bootstrap, IMPRESSIONS)))
        catalogue = cleanup.enter_context(closing(LogReader(demo.kafka_bootstrap, ARTWORKS)))
        reader = cleanup.enter_context(closing(ResultReader(demo)))
        with phases.phase("play"):
            plan = make_plan(int(time.time() * 1000), options.seed, demo.window_ms, log.partitions)
            deliveries, kills = play(plan, options, demo, console)
        with phases.phase("wait"), progress(console, "waiting for ClickHouse, lines") as update:
            settle(demo, log, catalogue, reader, update)
        with phases.phase("recount and compare"):
            config = Config(demo.window_ms, demo.lateness_ms, demo.tolerance_ms, log.partitions)
            expected = recount(log.records(), catalogue.catalogue(), config)
            broken = invariants(reader, demo.window_ms)
            comparisons = compare(reader, expected)
            comparisons.append(compare_forwards(log.messages, expected.ledger, log.partitions))
            kpis = read_kpis(reader, deliveries, broken["duplicate in the window"])
    return Summary(options.seed, plan.impressions, plan.injected, kills, kpis, comparisons, broken, phases.seconds)


def play(plan: Plan, options: Options, demo: Settings, console: Console) -> tuple[Deliveries, int]:
    """Play the plan, killing the worker meanwhile if asked to; return the delivery reports and the kills."""
    killer = Killer(demo, options.kill_worker, Random(f"{options.seed}/kills"), line_printer(console))
    seconds = max(PLAY_SECONDS, options.kill_worker * CYCLE_SECONDS)
    try:
        killer.start()
        with closing(Player(demo.kafka_bootstrap)) as player, progress(console, "playing, records") as update:
            player.play(plan, seconds, lambda done: update(done, len(plan.steps)))
        return player.deliveries, killer.finish()
    finally:
        killer.cancel()


def line_printer(console: Console) -> Callable[[str], None]:
    """Return a function that prints a line as it is, with neither markup nor colours guessed from its content."""
    return lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)
