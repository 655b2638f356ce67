"""How long a worker takes from append to readable rows, by rate of arrival: `python -m bench.latency`."""

import argparse
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.lib import worker
from bench.lib.broker import only_bench, running_broker, write
from bench.lib.figures import Quantiles, axes, quantiles, save, say, table
from bench.lib.figures import write as write_figures
from bench.lib.follow import Follower
from bench.lib.measure import MIB
from bench.lib.traffic import Sent, Traffic, now_ms, sending
from streams.settings import Settings

RATE = 1_700.0
SIZES = (1, 10)
FACTORS = (1, 2, 4, 8, 16, 32)
SECONDS, STEP_SECONDS = 60.0, 15.0
# The first seconds of a step are not counted: caches fill, and the broker's compiler is at work.
WARM_UP_SECONDS = 5.0
RUN_IN_SECONDS = 20.0
# The targets (ms).
P95_MS, P99_MS = 100.0, 250.0
# If P95 is above this (ms), the queue grows, and a longer step would only measure a longer queue.
BROKEN_MS = 1_000.0
# How long the worker may take to decide the backlog of a rate that it could not hold.
DRAIN_SECONDS = 120.0
COLUMNS = ("impressions/s", "a record", "row", "P50 ms", "P95 ms", "P99 ms", "max ms", "rows", "worker CPU", "target")


@dataclass(frozen=True, slots=True)
class Step:
    """A rate and its outcome. `cpu` is the worker's share of a core."""

    rate: float
    size: int
    seconds: float
    accepted: Quantiles
    coverage: Quantiles
    uncovered: int
    cpu: float
    resident_mib: float
    sent: Sent

    @property
    def broken(self) -> bool:
        """Whether the rate was more than the worker can sustain."""
        return not self.accepted.p95 <= BROKEN_MS

    @property
    def met(self) -> bool:
        """Whether both rows arrived within the targets."""
        return all(each.p95 < P95_MS and each.p99 < P99_MS for each in (self.accepted, self.coverage))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code: 0, or 1 if the first rate misses its target."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    steps: list[Step] = []
    with only_bench(settings), running_broker(settings, say) as ours:
        write(ours, [])  # the catalogue, and no records
        worker.program(ours).start()
        worker.wait_ready(ours, out=say)
        follower = Follower(ours)
        try:
            # Broker and worker have both just started, which isn't measured here.
            measure(ours, follower, Traffic(options.rate, RUN_IN_SECONDS, options.sizes[0], now_ms(), seed=0))
            for size in options.sizes:
                steps += _steps(ours, follower, size, options)
        finally:
            follower.close()
    say("")
    for line in table(COLUMNS, rows(steps)):
        say(line)
    say("")
    say(f"figures: {write_figures('latency', {'steps': [as_json(step) for step in steps]})}")
    say(f"picture: {picture(steps)}")
    return 0 if all(step.met for step in steps if step.rate == options.rate) else 1


def _steps(settings: Settings, follower: Follower, size: int, options: argparse.Namespace) -> Iterator[Step]:
    for number, factor in enumerate(options.factors):
        seconds = options.seconds if factor == 1 else min(options.seconds, options.step_seconds)
        traffic = Traffic(options.rate * factor, seconds + WARM_UP_SECONDS, size, now_ms(), seed=1_000 * size + number)
        step = measure(settings, follower, traffic)
        told = f"P95 {step.accepted.p95:,.0f} ms, coverage {step.coverage.p95:,.0f} ms, {step.cpu:.0%} of a core"
        say(f"{step.rate:,.0f} impressions/s, {size} a record: {told}")
        yield step
        if step.broken:
            return


def measure(settings: Settings, follower: Follower, traffic: Traffic) -> Step:
    """Send traffic to a worker that is ready, and wait until all of it has been decided and read."""
    decided = worker.sample(settings).impressions
    with sending(settings, traffic) as sender:
        # From the sender's own start, to within one poll of its pipe.
        begun = time.time() * 1000
        time.sleep(min(WARM_UP_SECONDS, traffic.seconds))
        first = worker.sample(settings)
        sent = sender.result()
    last = worker.sample(settings)
    worker.follow(settings, decided + sent.impressions, (0,), DRAIN_SECONDS + traffic.seconds, say)
    follower.wait_quiet(DRAIN_SECONDS)
    since = begun + 1000 * min(WARM_UP_SECONDS, traffic.seconds / 2)
    return Step(
        traffic.rate,
        traffic.size,
        traffic.seconds,
        quantiles(follower.accepted.latencies(since, math.inf)),
        quantiles(follower.covered.latencies(since, math.inf)),
        follower.uncovered,
        (last.usage.cpu_seconds - first.usage.cpu_seconds) / (last.at - first.at),
        last.usage.resident_bytes / MIB,
        sent,
    )


def rows(steps: Iterable[Step]) -> Iterator[tuple[str, ...]]:
    """Return the table's cells: two rows per step."""
    for step in steps:
        for what, each in (("accepted", step.accepted), ("coverage", step.coverage)):
            times = [f"{value:,.0f}" for value in (each.p50, each.p95, each.p99, each.max)]
            met = "met" if each.p95 < P95_MS and each.p99 < P99_MS else "missed"
            yield (f"{step.rate:,.0f}", str(step.size), what, *times, f"{each.count:,}", f"{step.cpu:.0%}", met)


def as_json(step: Step) -> dict[str, Any]:
    """Return a step's figures; times in ms."""
    return {**asdict(step), "met": step.met, "broken": step.broken}


def picture(steps: Sequence[Step]) -> str:
    """Draw latency over rate; return the file's name."""
    drawn = axes(
        "From append to readable: one worker, 4 partitions, arrivals evenly spaced",
        "impressions/s arriving",
        "ms from append to a read_committed consumer",
    )
    styles = {"p50": ":", "p95": "-", "p99": "--"}
    for color, size in zip(("C0", "C1", "C2"), dict.fromkeys(step.size for step in steps), strict=False):
        of_size = [step for step in steps if step.size == size]
        rates, name = [step.rate for step in of_size], "1 a record" if size == 1 else f"about {size} a record"
        for quantile, style in styles.items():
            values = [getattr(step.accepted, quantile) for step in of_size]
            drawn.plot(rates, values, style, color=color, label=f"accepted, {name}: {quantile.upper()}")
        values = [step.coverage.p95 for step in of_size]
        drawn.plot(rates, values, "x", color=color, label=f"coverage, {name}: P95")
    drawn.set(xscale="log", yscale="log")
    ticks = sorted({step.rate for step in steps})
    drawn.set_xticks(ticks, [f"{rate:,.0f}" for rate in ticks])
    drawn.minorticks_off()
    for limit, name in ((P95_MS, "P95 target"), (P99_MS, "P99 target")):
        drawn.axhline(limit, color="grey", linewidth=1)
        drawn.annotate(name, (0.99, limit), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
    drawn.legend(fontsize=7, ncols=2)
    return str(save(drawn, "latency-rate"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.latency", description=__doc__)
    parser.add_argument("--rate", type=float, default=RATE, help=f"impressions/s of the first step ({RATE:,.0f})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of the first step ({SECONDS:.0f})")
    parser.add_argument("--step-seconds", type=float, default=STEP_SECONDS, help=f"of each other ({STEP_SECONDS:.0f})")
    parser.add_argument("--factors", type=_numbers, default=FACTORS, help="times the rate, until it breaks: 1,2,4,8")
    parser.add_argument("--sizes", type=_numbers, default=SIZES, help="impressions a record: 1,10")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError("whole numbers from 1 on, with commas between")
    return tuple(map(int, parts))
