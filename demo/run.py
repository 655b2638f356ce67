"""The demo from start to end: stack, play, wait, recount, compare."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console

from demo import stack
from demo.invariants import invariants
from demo.killer import CYCLE_SECONDS, Killer
from demo.kpis import read_kpis
from demo.plan.plan import Plan, make_plan
from demo.player import Deliveries, Player
from demo.progress import progress
from demo.report import Summary
from demo.settle import oracle_of, settle
from oracle.views import Views
from streams.settings import Settings

# Long enough to watch, and for the latencies of a light load; short enough for a demo of a minute.
PLAY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line."""

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
        """Measure how long the body takes."""
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun, 2)


def run(options: Options, settings: Settings, demo: Settings, console: Console) -> Summary:
    """Play the log through a fresh stack of the demo's own and return the summary; the stack is left running.

    Raises UserError for an error that users can fix, KafkaException or clickhouse-connect's errors for other failures.
    """
    phases = Phases()
    out = line_printer(console)
    with phases.phase("stack"):
        # Every topic and migration is new, and each would be an indented line.
        stack.start(demo, settings, lambda line: None if line.startswith(" ") else out(line))
    with ExitStack() as cleanup:
        oracle = cleanup.enter_context(closing(oracle_of(demo)))
        views = cleanup.enter_context(closing(Views(*demo.clickhouse_address, demo.clickhouse_database)))
        with phases.phase("play"):
            oracle.read()
            plan = make_plan(int(time.time() * 1000), options.seed, demo.window_ms, oracle.partitions)
            deliveries, kills = play(plan, options, demo, console)
        with phases.phase("wait"), progress(console, "waiting for ClickHouse, lines") as update:
            settle(oracle, update)
        with phases.phase("recount and compare"):
            comparisons = oracle.compare_views()
            broken = invariants(views, demo.window_ms)
            kpis = read_kpis(views, deliveries, broken["duplicate in the window"])
    return Summary(options.seed, plan.impressions, plan.injected, kills, kpis, comparisons, broken, phases.seconds)


def play(plan: Plan, options: Options, demo: Settings, console: Console) -> tuple[Deliveries, int]:
    """Play the plan, killing the worker meanwhile if asked to; return the delivery reports and the number of kills."""
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
    """Return a function that prints a line as it is, without markup and without colours guessed from its content."""
    return lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)
