"""Where a worker's time goes, sampled by py-spy while it decides a backlog: `python -m bench.flame`."""

import argparse
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.flame.picture import svg
from bench.flame.stacks import ROOT, Share, Stack, read, shares, tree
from bench.lib import worker
from bench.lib.backlog import SPAN_MS, records
from bench.lib.broker import only_bench, running_broker, write
from bench.lib.expected import WINDOW_MS
from bench.lib.figures import say, table
from bench.lib.figures import write as write_figures
from bench.lib.traffic import now_ms
from streams.embedded.identity import PROC
from streams.errors import UserError
from streams.settings import Settings

IMPRESSIONS, SECONDS, SIZE = 1_000_000, 10, 1
PICTURE = ROOT / "docs" / "evidence" / "worker-flame.svg"
# From this share of the backlog on, the worker is in its steady state.
FROM = 0.1
# Samples a second. Each walk through compiled code stops the worker for milliseconds; more would measure that.
RATE = 100
START_SECONDS = 120.0
# py-spy first reads the symbols of every library.
MORE_SECONDS = 60.0
# The modules shown: those with at least this share.
LEAST_SHARE = 0.005
COLUMNS = ("module", "whose", "own time", "µs an impression", "with what it calls")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    program = py_spy()
    with only_bench(settings), running_broker(settings, say) as ours:
        write(ours, records(options.impressions, options.size, (now_ms() // WINDOW_MS - 1) * WINDOW_MS - SPAN_MS))
        say(f"backlog: {options.impressions:,} impressions")
        worker.program(ours).start()
        worker.follow(ours, round(FROM * options.impressions), (0,), START_SECONDS, say)
        first, threads = worker.sample(ours), of_threads(worker.program(ours).pid)
        stacks = sampled(program, ours, options.seconds, options.native)
        last = worker.sample(ours)
        threads = of_threads(worker.program(ours).pid) - threads
    done = last.impressions - first.impressions
    if last.impressions >= options.impressions:
        say("the backlog ended before the samples did: give it more --impressions, or fewer --seconds")
    cost = (last.usage.cpu_seconds - first.usage.cpu_seconds) / max(1, done) * 1e6
    used = threads.total() or 1
    # Samples are of Python's threads, which have the program's name: a share of the samples is a share of their time.
    of_python = sum(ticks for name, ticks in threads.items() if name.startswith("python")) / used
    found = shares(stacks)
    say("")
    for line in table(COLUMNS, rows(found, cost * of_python)):
        say(line)
    samples = sum(stack.count for stack in stacks)
    say(f"{samples:,} samples, {cost:.1f} µs of CPU an impression while they were taken ({done:,} impressions)")
    told = ", ".join(
        f"{name} {ticks / used:.1%}" for name, ticks in threads.most_common() if ticks / used >= LEAST_SHARE
    )
    say(f"CPU time by threads, of which py-spy samples those of Python: {told}")
    many = "one impression" if options.size == 1 else f"about {options.size} impressions"
    title = f"CPU time of one worker on a backlog, {many} a record: {samples:,} samples"
    options.svg.write_text("\n".join(svg(tree(stacks), title)) + "\n")
    say(f"picture: {options.svg}")
    figures = {
        "size": options.size,
        "samples": samples,
        "cpu_us": cost,
        "shares": [share._asdict() for share in found],
        "threads": {name: ticks / used for name, ticks in threads.items()},
    }
    say(f"figures: {write_figures('flame', figures)}")
    return 0


def py_spy() -> str:
    """Return the path of py-spy: beside this Python, or on the PATH. Raises UserError if it is missing."""
    found = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if found is None:
        raise UserError("py-spy is missing, which comes with the development tools: `make setup` installs it.")
    return found


def of_threads(pid: int | None, proc: Path = PROC) -> Counter[str]:
    """Return the CPU time (ticks) of a process's threads by name. Python's threads have the program's name."""
    found: Counter[str] = Counter()
    for path in proc.glob(f"{pid}/task/*/stat"):
        try:
            head, _, tail = path.read_text().rpartition(")")
        except OSError:  # it has ended meanwhile
            continue
        # rdk:broker1 and rocksdb:low0 are each one of several.
        name, fields = head.partition("(")[2].rstrip("0123456789"), tail.split()
        found[name] += int(fields[11]) + int(fields[12])
    return found


def sampled(program: str, settings: Settings, seconds: int, native: bool) -> list[Stack]:
    """Sample worker 0 for that long, with native frames if that works. Raises UserError if nothing is sampled."""
    pid = worker.program(settings).pid
    output = settings.data_dir / "stacks.txt"
    for extra in (["--native"], []) if native else ([],):
        arguments = [*extra, "--function", "--full-filenames", "--rate", str(RATE), "--duration", str(seconds)]
        try:
            ended = subprocess.run(
                [program, "record", "--format", "raw", "--output", str(output), *arguments, "--pid", str(pid)],
                capture_output=True,
                text=True,
                timeout=seconds + MORE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UserError("py-spy did not end in time.") from None
        if ended.returncode == 0 and output.exists() and (stacks := list(read(output.read_text().splitlines()))):
            return stacks
        say(f"py-spy {' '.join(extra)}: {(ended.stderr.strip() or 'no samples').splitlines()[-1]}")
    raise UserError("py-spy could not sample the worker: it needs the right to trace it (root, or ptrace_scope 0).")


def rows(found: Sequence[Share], cost: float) -> Iterator[tuple[str, ...]]:
    """Return the table's rows; `cost` is the sampled time per impression (µs)."""
    for share in found:
        if share.own >= LEAST_SHARE:
            own = f"{share.own:.1%}"
            yield (share.module, share.whose.value, own, f"{share.own * cost:.2f}", f"{share.within:.1%}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.flame", description=__doc__)
    parser.add_argument("--impressions", type=int, default=IMPRESSIONS, help=f"the backlog ({IMPRESSIONS:,})")
    parser.add_argument("--size", type=int, default=SIZE, help=f"impressions a record, about ({SIZE})")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"how long to sample ({SECONDS})")
    parser.add_argument("--native", action=argparse.BooleanOptionalAction, default=True, help="compiled code, too")
    parser.add_argument(
        "--svg", type=Path, default=PICTURE, help="where the picture goes (docs/evidence/worker-flame.svg)"
    )
    return parser
