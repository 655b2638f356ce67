"""Everything on one machine, at 100,000 impressions a minute, and the highest rate: `python -m bench.end_to_end`."""

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from bench.end_to_end.clickhouse import Database, Ledger, Verdict, Watch, readable
from bench.end_to_end.machine import BENCH, Machine, cores, peak_mib
from bench.end_to_end.pictures import pictures
from bench.end_to_end.steps import Step, next_rate, thirds
from bench.lib.backlog import USERS
from bench.lib.broker import HOST, only_bench, running_broker, write
from bench.lib.figures import Quantiles, quantiles, say, table
from bench.lib.figures import write as write_figures
from bench.lib.follow import Follower
from bench.lib.traffic import Sent, Traffic, now_ms, sending
from streams.embedded import stack
from streams.embedded.ports import free_pair
from streams.settings import Settings

PER_MINUTE = 100_000
MINUTES, SIZE = 10.0, 10
STEPS, STEP_SECONDS = 8, 30.0
COMPONENTS = ("clickhouse", "worker-0", "sink-0")
# Not counted: the programs have just started.
WARM_UP_SECONDS = 10.0
TELL_SECONDS = 30.0
# How long the stack may take to work off the backlog of a rate that it did not hold.
DRAIN_SECONDS = 300.0
LATENCY_COLUMNS = ("from append to", "P50 ms", "P95 ms", "P99 ms", "max ms", "rows")
CPU_COLUMNS = ("program", "cores", "peak MiB")
STEP_COLUMNS = ("impressions/s", "behind in each third s", "held", "cores used", "of it by the bench")

Curves = dict[str, list[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Latencies:
    """Times since the append (ms)."""

    accepted: Quantiles
    coverage: Quantiles
    readable: Quantiles


@dataclass(frozen=True, slots=True)
class Base:
    """The long run."""

    rate: float
    seconds: float
    sent: Sent
    latencies: Latencies
    cores: dict[str, float]
    peak_mib: dict[str, float]
    verdict: Verdict
    most_parts: dict[str, int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code: 0, or 1 if something is missing, doubled or wrong."""
    options = _parser().parse_args(argv)
    settings = Settings.load()
    with only_bench(settings), running_broker(settings, say) as broker:
        ours = broker.model_copy(update={"clickhouse_url": f"http://{HOST}:{free_pair()}"})
        write(ours, [])  # the catalogue, and no records
        stack.up(ours, COMPONENTS, out=say)
        watch, machine = Watch(ours), Machine(ours)
        try:
            base, curves = measure(ours, watch, machine, options)
            steps, ledger = climb(ours, watch, machine, options, base)
        finally:
            machine.close()
            watch.close()
    right = base.verdict.right and (ledger is None or ledger.balanced)
    say("")
    for line in lines(base, steps, ledger):
        say(line)
    figures = {
        "base": asdict(base),
        "right": right,
        "steps": [{**asdict(step), "held": step.held} for step in steps],
        "ledger_after_steps": asdict(ledger) if ledger else None,
    }
    say(f"figures: {write_figures('end_to_end', figures)}")
    for path in pictures(curves, machine.readings, watch.parts, steps):
        say(f"picture: {path}")
    return 0 if right else 1


def measure(settings: Settings, watch: Watch, machine: Machine, options: argparse.Namespace) -> tuple[Base, Curves]:
    """Send at the base rate, wait until all of it is in ClickHouse, and compare that with the oracle."""
    traffic = Traffic(options.rate / 60, options.minutes * 60, options.size, now_ms())
    follower = Follower(settings)
    try:
        with sending(settings, traffic) as sender:
            begun = now_ms()
            _tell(traffic.seconds, watch)
            sent = sender.result()
        ended = now_ms()
        Database(settings).wait_received(sent.impressions, DRAIN_SECONDS)
        follower.wait_quiet(DRAIN_SECONDS)
    finally:
        follower.close()
    since = begun + 1000 * min(WARM_UP_SECONDS, traffic.seconds / 4)
    shown = list(readable(follower.accepted, watch.looks, since))
    say("holding what is in ClickHouse against the oracle")
    base = Base(
        traffic.rate,
        traffic.seconds,
        sent,
        Latencies(
            quantiles(follower.accepted.latencies(since, math.inf)),
            quantiles(follower.covered.latencies(since, math.inf)),
            quantiles(latency for _, latency in shown),
        ),
        cores(machine.readings, since, ended),
        peak_mib(machine.readings),
        Database(settings).verdict(traffic.records()),
        {name: max(counts.get(name, 0) for _, counts in watch.parts) for name in watch.parts[-1][1]},
    )
    accepted = follower.accepted
    committed = [
        (float(at), latency) for at, latency in zip(accepted.appended, accepted.latencies(0, math.inf), strict=True)
    ]
    return base, {"accepted, committed": committed, "readable in ClickHouse": shown}


def climb(
    settings: Settings, watch: Watch, machine: Machine, options: argparse.Namespace, base: Base
) -> tuple[list[Step], Ledger | None]:
    """Send at other rates; return each one's outcome, and the ledger after all of them.

    Each rate has its own users, and as many as needed for each to see as much as a user of the long run did: users who
    have seen everything would only leave duplicates, which cost nearly nothing.
    """
    steps: list[Step] = []
    total, users = base.sent.impressions, range(USERS)
    each_sees = base.sent.impressions / USERS
    while len(steps) < options.steps and (rate := next_rate(steps, base.rate)) is not None:
        count = max(1, round(rate * options.step_seconds / each_sees))
        users = range(users.stop, users.stop + count)
        traffic = Traffic(rate, options.step_seconds, options.size, now_ms(), 1 + len(steps), True, users)
        with sending(settings, traffic) as sender:
            begun = now_ms()
            time.sleep(traffic.seconds)
            ended = now_ms()
            sent = sender.result()
        watch.check()
        used = cores(machine.readings, begun, ended)
        step = Step(rate, thirds(watch.ages(begun, ended)), sent.behind, used)
        steps.append(step)
        held = "held" if step.held else "not held" if step.sent else "the bench could not send it"
        say(f"{rate:,.0f} impressions/s: {' then '.join(f'{age:.1f}' for age in step.ages)} s behind, {held}")
        total += sent.impressions
        Database(settings).wait_received(total, DRAIN_SECONDS)
    return steps, Database(settings).ledger() if steps else None


def lines(base: Base, steps: Sequence[Step], ledger: Ledger | None) -> Iterator[str]:
    """Yield the tables, and what the ledger shows."""
    yield f"{base.rate * 60:,.0f} impressions a minute for {base.seconds / 60:g} minutes: {base.sent.impressions:,}"
    named = {
        "accepted row, read_committed": base.latencies.accepted,
        "coverage row, read_committed": base.latencies.coverage,
        "readable in ClickHouse": base.latencies.readable,
    }
    yield from table(LATENCY_COLUMNS, ((name, *_times(each)) for name, each in named.items()))
    yield ""
    used = [(name, f"{value:.2f}", f"{base.peak_mib[name]:,.0f}") for name, value in base.cores.items()]
    yield from table(CPU_COLUMNS, [*used, ("all", f"{sum(base.cores.values()):.2f}", "")])
    verdict, rows = base.verdict, base.verdict.rows
    yield f"parts at the most: {', '.join(f'{name} {count}' for name, count in sorted(base.most_parts.items()))}"
    yield f"ledger: {_sums(verdict.ledger)}; sent {verdict.sent:,}"
    yield (
        f"rows equal the oracle's: {'yes' if rows.equal else 'no'} ({rows.found:,} of {rows.expected:,}, "
        f"{rows.missing:,} missing, {rows.extra:,} too many); users with wrong coverage: {verdict.wrong_coverage:,}"
    )
    if steps:
        yield ""
        yield from table(STEP_COLUMNS, map(_step_cells, sorted(steps, key=lambda step: step.rate)))
        yield f"highest rate held: {max([base.rate, *(s.rate for s in steps if s.held)]):,.0f} impressions/s"
    if ledger:
        yield f"ledger after all of them: {_sums(ledger)}"


def _times(each: Quantiles) -> tuple[str, ...]:
    return (*(f"{value:,.0f}" for value in (each.p50, each.p95, each.p99, each.max)), f"{each.count:,}")


def _sums(ledger: Ledger) -> str:
    parts = f"{ledger.accepted:,} accepted + {ledger.duplicates:,} duplicates + {ledger.rejected:,} rejected"
    sign = "=" if ledger.balanced else "is not"
    return f"{ledger.received:,} received {sign} {parts} + {ledger.forwarded:,} forwarded"


def _step_cells(step: Step) -> tuple[str, ...]:
    return (
        f"{step.rate:,.0f}",
        " / ".join(f"{age:.1f}" for age in step.ages),
        "yes" if step.held else "no" if step.sent else "not sent in time",
        f"{sum(step.cpu.values()):.2f}",
        f"{step.cpu.get(BENCH, 0.0):.2f}",
    )


def _tell(seconds: float, watch: Watch) -> None:
    """Wait for the traffic's time, and report progress now and then."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, TELL_SECONDS))
        watch.check()
        behind = max(watch.ages(now_ms() - 1000 * TELL_SECONDS, math.inf), default=math.nan)
        say(f"  {max(0.0, end - time.monotonic()):.0f} s left, ClickHouse at the most {behind:.1f} s behind")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench.end_to_end", description=__doc__)
    parser.add_argument("--rate", type=float, default=PER_MINUTE, help=f"impressions a minute ({PER_MINUTE:,})")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"at that rate ({MINUTES:g})")
    parser.add_argument("--size", type=int, default=SIZE, help=f"impressions a record, about ({SIZE})")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"rates to try at the most ({STEPS}); 0: none")
    parser.add_argument("--step-seconds", type=float, default=STEP_SECONDS, help=f"of each ({STEP_SECONDS:.0f})")
    return parser
