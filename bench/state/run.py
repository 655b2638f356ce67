"""What deciding and its state cost by themselves, without a broker: `python -m bench.state`."""

import argparse
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import orjson

from bench.lib.figures import say, table
from bench.lib.figures import write as write_figures
from bench.lib.measure import MIB
from bench.state.partition import LocalPartition
from streams.core.catalogue import Catalogue
from streams.core.chunk import SourceRecord

NOW = 1_732_431_600_000
MINUTE = 60_000
ARTWORKS, USERS = 10_000, 2_000
UNKNOWN, FLUSH = 200_000, 500
CHUNK = 500
COLUMNS = ("what", "a second", "bytes a byte", "changes a flush", "ms a flush")

Row = tuple[str, str, str, str, str]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    options = _parser().parse_args(argv)
    rows = [
        _measured("one impression a flush", lambda p: _traffic(1, options.impressions), catalogue(ARTWORKS)),
        _measured("ten impressions a flush", lambda p: _traffic(10, options.impressions), catalogue(ARTWORKS)),
        _measured("an ordinary user for a month", lambda p: _one_user(), catalogue(ARTWORKS), chunk=1),
        _measured("500 new ids, after 200,000 unknown ones", _after_many, catalogue(0), chunk=1),
    ]
    for line in table(COLUMNS, rows):
        say(line)
    seconds, mib = _load(options.artworks)
    say(f"{options.artworks:,} artworks in use: loaded and checked in {seconds:.2f} s of CPU time, {mib:.1f} MiB more")
    if options.results:
        figures = {"rows": [dict(zip(COLUMNS, row, strict=True)) for row in rows], "load": [seconds, mib]}
        write_figures("state", figures, options.results)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bench.state", description=__doc__)
    parser.add_argument("--impressions", type=int, default=100_000, metavar="N", help="impressions of the first rows")
    parser.add_argument("--artworks", type=int, default=1_000_000, metavar="N", help="artworks in use, to be checked")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="where figures go, as JSON")
    return parser


def _measured(
    what: str, traffic: Callable[[LocalPartition], Iterator[SourceRecord]], known: Catalogue, chunk: int = CHUNK
) -> Row:
    with TemporaryDirectory() as folder:
        partition = LocalPartition(Path(folder), known)
        records = list(traffic(partition))
        partition.reset()
        impressions = 0
        gc.collect()
        gc.disable()  # as the worker does, almost
        begun = time.process_time()
        for start in range(0, len(records), chunk):
            impressions += partition.decide(records[start : start + chunk])
        seconds = time.process_time() - begun
        gc.enable()
        received = sum(len(record.value or b"") for record in records)
        return (
            what,
            f"{impressions / seconds:,.0f}",
            f"{partition.written / received:.2f}",
            f"{partition.changes / len(records):.2f}",
            f"{1_000 * seconds / len(records):.3f}",
        )


def _traffic(size: int, impressions: int) -> Iterator[SourceRecord]:
    """Yield flushes of many users, in an hour."""
    rng, count = Random(size), impressions // size
    for n in range(count):
        at = NOW + n * 60 * MINUTE // count
        artworks = [f"art-{rng.randrange(ARTWORKS):06}" for _ in range(size)]
        yield record(n, f"user-{rng.randrange(USERS):06}", artworks, at)


def _one_user() -> Iterator[SourceRecord]:
    """Yield the flushes of one user: twice an hour for a month, each of five artworks."""
    rng = Random(0)
    for n in range(2 * 24 * 30):
        yield record(n, "user", [f"art-{rng.randrange(ARTWORKS):06}" for _ in range(5)], NOW + n * 30 * MINUTE)


def _after_many(partition: LocalPartition) -> Iterator[SourceRecord]:
    """Let a user see many artworks that are not catalogued; yield their next flushes."""
    flushes = UNKNOWN // FLUSH
    for n in range(flushes + 20):
        made = record(n, "user", [f"unknown-{n * FLUSH + k:07}" for k in range(FLUSH)], NOW + n * MINUTE)
        if n < flushes:
            partition.decide([made])
        else:
            yield made


def _load(count: int) -> tuple[float, float]:
    """Return the CPU time that loading a state takes which uses so many artworks (s), and how much memory (MiB)."""
    known = catalogue(count)
    with TemporaryDirectory() as folder:
        partition = LocalPartition(Path(folder), known)
        for ordinal in range(count):
            partition.state.ordinals.use(ordinal, f"art-{ordinal:06}")
        partition.decide([record(0, "user", ["art-000000"], NOW)])
        gc.collect()
        before, begun = _resident(), time.process_time()
        partition.load()
        return time.process_time() - begun, (_resident() - before) / MIB


def _resident() -> int:
    """Return this process's memory (bytes)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def catalogue(count: int) -> Catalogue:
    """Return a catalogue of so many artworks, in one pool."""
    known = Catalogue()
    for ordinal in range(count):
        known.apply(b"art-%06d" % ordinal, b'{"pool_id":"main","ordinal":%d}' % ordinal)
    return known


def record(offset: int, user_id: str, artworks: list[str], at: int) -> SourceRecord:
    """Return a flush of a user, as the SDK makes it."""
    impressions = [
        {
            "impression_id": f"01932f6d-{at}-{offset}-{n}",
            "artwork_id": artwork_id,
            "seen_at": at - n,
            "pool_id": "main",
            "dwell_ms": 1200,
            "visible": 0.8,
            "position": n,
            "surface": "gallery",
        }
        for n, artwork_id in enumerate(artworks)
    ]
    flush = {"v": 1, "flush_id": f"01932f6e-{at}-{offset}", "user_id": user_id, "session_id": "s1", "sent_at": at}
    return SourceRecord(offset, at, orjson.dumps({**flush, "impressions": impressions}))
