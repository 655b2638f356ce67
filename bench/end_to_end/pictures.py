"""The curves of an end-to-end run: latency, CPU, parts, and the rates that were tried."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from bench.end_to_end.machine import Reading
from bench.end_to_end.steps import Step
from bench.lib.figures import axes, quantiles, save

BIN_SECONDS = 10.0
MINUTE_MS = 60_000.0
MINUTES = "minutes"


def pictures(
    latencies: Mapping[str, Sequence[tuple[float, float]]],
    readings: Sequence[Reading],
    parts: Sequence[tuple[float, dict[str, int]]],
    steps: Sequence[Step],
) -> Iterator[Path]:
    """Draw everything; yield the files. Latencies are (when appended, how long) in ms."""
    begin = min(at for curve in latencies.values() for at, _ in curve)
    drawn = axes(f"From append, P95 of each {BIN_SECONDS:.0f} s", MINUTES, "ms")
    for name, curve in latencies.items():
        binned = p95_by_time(curve)
        drawn.plot([(at - begin) / MINUTE_MS for at, _ in binned], [value for _, value in binned], label=name)
    drawn.set_ylim(bottom=0)
    drawn.legend()
    yield save(drawn, "end_to_end-latency")
    # What follows shows the base run alone: in the steps, every rate would need its own picture.
    end = max(at for curve in latencies.values() for at, _ in curve)
    drawn = axes("CPU of each program", MINUTES, "cores")
    inside = [reading for reading in readings if begin <= reading.at <= end]
    for name in inside[0].used if inside else ():
        drawn.plot(*zip(*used_by_time(inside, name, begin), strict=True), label=name)
    drawn.set_ylim(bottom=0)
    drawn.legend(fontsize=8)
    yield save(drawn, "end_to_end-cpu")
    drawn = axes("Active parts of each table", MINUTES, "parts")
    counted = [(at, counts) for at, counts in parts if begin <= at <= end]
    for name in sorted({name for _, counts in counted for name in counts}):
        drawn.plot(
            [(at - begin) / MINUTE_MS for at, _ in counted], [counts.get(name, 0) for _, counts in counted], label=name
        )
    drawn.set_ylim(bottom=0)
    drawn.legend(fontsize=8)
    yield save(drawn, "end_to_end-parts")
    if steps:
        yield _rates(steps)


def _rates(steps: Sequence[Step]) -> Path:
    drawn = axes("The highest rate: how far ClickHouse is behind", "impressions/s arriving", "seconds behind")
    ordered = sorted(steps, key=lambda step: step.rate)
    rates = [step.rate for step in ordered]
    for third, name in enumerate(("first third of the step", "second", "last")):
        drawn.plot(rates, [step.ages[third] for step in ordered], "o-", label=name)
    for step in ordered:
        if not step.held:
            drawn.axvline(step.rate, color="red", linestyle=":", linewidth=1)
    drawn.plot([], [], ":", color="red", label="not held")
    drawn.set_ylim(bottom=0)
    drawn.legend()
    return save(drawn, "end_to_end-rates")


def p95_by_time(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Gather (ms, value) into bins; return the middle and the P95 of each bin that holds any."""
    width = 1000 * BIN_SECONDS
    bins: dict[int, list[float]] = {}
    for at, value in curve:
        bins.setdefault(int(at // width), []).append(value)
    return [((number + 0.5) * width, quantiles(bins[number]).p95) for number in sorted(bins)]


def used_by_time(readings: Sequence[Reading], name: str, begin: float) -> list[tuple[float, float]]:
    """Return the cores that a program used from each reading to the next, over minutes since `begin` (ms)."""
    return [
        (
            (after.at - begin) / MINUTE_MS,
            (after.used[name].cpu_seconds - before.used[name].cpu_seconds) / (after.at - before.at) * 1000,
        )
        for before, after in pairwise(readings)
    ]
