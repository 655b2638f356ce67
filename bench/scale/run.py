"""What an impression costs as things grow; two workers compared with one; a rebalance: `python -m bench.scale`."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain

from bench.lib import worker
from bench.lib.broker import only_bench, running_broker, write
from bench.lib.figures import say, table
from bench.lib.figures import write as write_figures
from bench.lib.measure import MIB
from bench.lib.traffic import now_ms
from bench.lib.worker import Sample
from bench.scale import rebalance
from bench.scale.input import Shape, backlog, installation, preload
from bench.scale.pictures import line, pictures
from streams.errors import UserError
from streams.settings import Settings

USUAL = Shape()
# What grows, and how; the first point of each sweep is the usual shape.
SWEEPS: dict[str, tuple[int, ...]] = {
    "users": (1_000, 10_000, 100_000, 1_000_000),
    "artworks": (265, 10_000, 100_000),
    "window_seconds": (60, 600, 3_600),
    "size": (1, 10, 50, 200),
    "partitions": (4, 8, 32, 128),
    "workers": (1, 2),
}
REBALANCE = "rebalance"
IMPRESSIONS = 200_000
# With many impressions per record a chunk holds many times as many, and a few chunks are not a steady state.
LARGE_SIZE, LARGE_TIMES = 5, 4
# Two workers first have to share the partitions.
WORKERS_TIMES = 3
# Neither the start counts nor the end, when one partition has been read before the others.
FROM, TO = 0.2, 0.95
# The slowest rate worth waiting for.
SLOWEST_RATE, READY_SECONDS = 1_000, 120.0
COLUMNS = (
    "what grows",
    "to",
    "impressions/s",
    "worker CPU µs an impression",
    "broker CPU µs an impression",
    "worker MiB",
    "accepted",
)
REBALANCE_COLUMNS = (
    "what happens",
    "settled after s",
    "longest silence of a partition s",
    "shortest s",
    "P50 ms",
    "P99 ms",
    "max ms",
)


@dataclass(frozen=True, slots=True)
class Point:
    """A shape, and what deciding its backlog cost."""

    shape: Shape
    impressions: int
    accepted: float
    """The share of impressions that is accepted: a duplicate costs less."""
    rate: float
    cpu_us: float
    broker_us: float
    peak_mib: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    points: dict[Shape, Point] = {}
    changes: list[rebalance.Change] = []
    with only_bench(settings):
        for shape in shapes(options.sweeps):
            with running_broker(settings, lambda _: None) as ours:
                point = points[shape] = measure(ours, shape, options.impressions)
                say(f"{shape}: {point.rate:,.0f} impressions/s, {point.cpu_us:.1f} µs of CPU an impression")
        if REBALANCE in options.sweeps:
            with running_broker(settings, lambda _: None) as ours:
                write(ours, [])  # the catalogue, and no records
                changes = rebalance.measure(ours, USUAL.partitions, say)
    sweeps = {name: [points[shape] for shape in swept(name)] for name in options.sweeps if name in SWEEPS}
    say("")
    for text in lines(sweeps, changes):
        say(text)
    figures = {
        "impressions": options.impressions,
        "sweeps": {name: [asdict(point) for point in found] for name, found in sweeps.items()},
        "rebalance": [asdict(change) for change in changes],
    }
    say(f"figures: {write_figures('scale', figures)}")
    for path in pictures({name: curve(name, found) for name, found in sweeps.items()}):
        say(f"picture: {path}")
    return 0


def shapes(names: Iterable[str]) -> Iterator[Shape]:
    """Yield every shape of these sweeps once."""
    yield from dict.fromkeys(chain.from_iterable(swept(name) for name in names if name in SWEEPS))


def swept(name: str) -> list[Shape]:
    """Return the shapes of a sweep: the usual shape except for what grows."""
    grow: Callable[[int], Shape] = lambda value: replace(USUAL, **{name: value})  # noqa: E731
    return [grow(value) for value in SWEEPS[name]]


def measure(settings: Settings, shape: Shape, impressions: int) -> Point:
    """Give one or two workers users with state, then a backlog. Raises UserError if one ends or takes too long."""
    settings = installation(settings, shape)
    now, indexes = now_ms(), tuple(range(shape.workers))
    users = preload(settings, shape, now)
    for index in indexes:
        worker.program(settings, index).start()
    worker.follow(settings, users, indexes, READY_SECONDS + users / SLOWEST_RATE, say)
    for index in indexes:
        worker.program(settings, index).stop()
    wanted = impressions * (LARGE_TIMES if shape.size > LARGE_SIZE else 1)
    wanted *= WORKERS_TIMES if shape.workers > 1 else 1
    records = list(backlog(shape, wanted, now))
    write(settings, records)
    count = len(records) * shape.size
    del records
    for index in indexes:
        worker.program(settings, index).start()
    samples = worker.follow(settings, count, indexes, READY_SECONDS + count / SLOWEST_RATE, say)
    return read_off(shape, samples, count)


def read_off(shape: Shape, samples: Sequence[Sample], impressions: int) -> Point:
    """Compute a point's figures from the samples in which every worker holds partitions.

    Raises UserError if there are not two such samples.
    """
    ready = (each for each in samples if each.impressions >= FROM * impressions and each.holding == shape.workers)
    begin = next(ready, None)
    end = next((each for each in samples if each.impressions >= TO * impressions), None)
    if begin is None or end is None or end.impressions <= begin.impressions:
        raise UserError(f"{shape}: too few impressions to say anything of the steady state; give it more.")
    done = end.impressions - begin.impressions
    return Point(
        shape,
        impressions,
        (end.accepted - begin.accepted) / done,
        done / (end.at - begin.at),
        (end.usage.cpu_seconds - begin.usage.cpu_seconds) / done * 1e6,
        (end.broker_cpu_seconds - begin.broker_cpu_seconds) / done * 1e6,
        max(each.usage.resident_bytes for each in samples) / MIB,
    )


def curve(name: str, points: Sequence[Point]) -> list[tuple[float, float]]:
    """Return a sweep's curve: CPU µs per impression; per record if its size grows; impressions/s if workers grow."""
    if name == "size":
        return [(point.shape.size, point.cpu_us * point.shape.size) for point in points]
    values = [point.rate if name == "workers" else point.cpu_us for point in points]
    return [(getattr(point.shape, name), value) for point, value in zip(points, values, strict=True)]


def lines(sweeps: dict[str, list[Point]], changes: Sequence[rebalance.Change]) -> Iterator[str]:
    """Yield the tables, and what a record costs."""
    if sweeps:
        yield from table(COLUMNS, (_cells(name, point) for name, found in sweeps.items() for point in found))
    if len(sweeps.get("size", ())) > 1:
        record, impression = line(curve("size", sweeps["size"]))
        yield f"a record costs {record:.1f} µs and {impression:.1f} µs for each of its impressions (least squares)"
    if changes:
        yield ""
        yield from table(REBALANCE_COLUMNS, map(rebalance.cells, changes))


def _cells(name: str, point: Point) -> tuple[str, ...]:
    return (
        name.replace("_seconds", " (s)").replace("size", "impressions a record"),
        f"{getattr(point.shape, name):,}",
        f"{point.rate:,.0f}",
        f"{point.cpu_us:.1f}",
        f"{point.broker_us:.1f}",
        f"{point.peak_mib:,.0f}",
        f"{point.accepted:.0%}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    names = [*SWEEPS, REBALANCE]
    parser.add_argument("--sweeps", type=_sweeps, default=names, help=f"{','.join(names)}: all by default")
    parser.add_argument("--impressions", type=int, default=IMPRESSIONS, help=f"of a point ({IMPRESSIONS:,})")
    return parser


def _sweeps(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - {*SWEEPS, REBALANCE}:
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join([*SWEEPS, REBALANCE])}")
    return names
