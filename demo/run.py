"""The demo from start to end: stack, play, wait, recount, compare."""

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console

from demo import figures, stack
from demo.invariants import invariants
from demo.killer import CYCLE_SECONDS, Killer
from demo.plan.plan import Plan, make_plan
from demo.player import Deliveries, Player
from demo.progress import Phases, Update
from demo.screen import is_lively, line_printer
from demo.settle import oracle_of, roll_up, settle
from demo.summary import Summary
from oracle.views import Views
from streams.embedded.components import PIPELINE
from streams.settings import Settings

# Long enough to watch, and for the latencies of a light load; short enough for a demo of a minute.
PLAY_SECONDS = 15.0
PHASES = 4
# What the stack says of each of its components, and of topics and schema.
STARTED = (": ready at ", ": done in ")
STARTS = len(PIPELINE) + 1


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line."""

    seed: int = 1
    kill_worker: int = 0
    keep: bool = False
    json: Path | None = None
    svg: Path | None = None


def run(options: Options, settings: Settings, demo: Settings, console: Console) -> Summary:
    """Play the log through a fresh stack of the demo's own and return the summary; the stack is left running.

    Raises UserError for an error that users can fix, KafkaException or clickhouse-connect's errors for other failures.
    """
    phases = Phases(console, PHASES)
    with phases.phase("start", "Kafka, ClickHouse, topics and schema, a worker, a sink", "parts") as update:
        stack.start(demo, settings, starting(console, update))
    with ExitStack() as cleanup:
        oracle = cleanup.enter_context(closing(oracle_of(demo)))
        views = cleanup.enter_context(closing(Views(*demo.clickhouse_address, demo.clickhouse_database)))
        with phases.phase("play", "a real log, with faults, as apps and servers send it", "records") as update:
            oracle.read()
            plan = make_plan(int(time.time() * 1000), options.seed, demo.window_ms, oracle.partitions)
            deliveries, kills = play(plan, options, demo, console, update)
        with phases.phase("wait", "until ClickHouse has every line", "lines") as update:
            settle(oracle, update)
        with phases.phase("check", "every row against an independent recount of the topic", "") as update:
            comparisons = oracle.compare_views()
            broken = invariants(views, demo.window_ms)
            roll_up(demo)
            expected, found = figures.recounted(oracle.expected(), demo.window_ms), figures.found(views)
    return Summary(
        options.seed,
        plan.impressions,
        plan.injected,
        kills,
        deliveries.records,
        deliveries.acknowledged,
        deliveries.p95_ms,
        expected,
        found,
        comparisons,
        broken,
        phases.seconds,
    )


def play(plan: Plan, options: Options, demo: Settings, console: Console, update: Update) -> tuple[Deliveries, int]:
    """Play the plan, killing the worker meanwhile if asked to; return the delivery reports and the number of kills."""
    killer = Killer(demo, options.kill_worker, Random(f"{options.seed}/kills"), line_printer(console))
    seconds = max(PLAY_SECONDS, options.kill_worker * CYCLE_SECONDS)
    try:
        killer.start()
        with closing(Player(demo.kafka_bootstrap)) as player:
            player.play(plan, seconds, lambda done: update(done, len(plan.steps)))
        return player.deliveries, killer.finish()
    finally:
        killer.cancel()


def starting(console: Console, update: Update) -> Callable[[str], None]:
    """Return what the stack's start tells its lines to: those of what is ready move the bar, if there is one."""
    say, done = line_printer(console), 0

    def out(line: str) -> None:
        nonlocal done
        # Every topic and migration is new, and each would be an indented line.
        if line.startswith(" "):
            return
        ready = any(part in line for part in STARTED)
        done += ready
        if is_lively(console):
            update(done, STARTS)
        if not (ready and is_lively(console)):
            say(line)

    return out
