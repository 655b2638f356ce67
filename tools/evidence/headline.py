"""The first page's tables: each target and its measurement, and our worker compared with the best of each peer."""

from collections.abc import Iterator, Sequence

from tools.evidence import end_to_end, latency, peers, recovery, sink
from tools.evidence.results import load, table

MB_A_MIB = 1.048576
PAGES = {
    "peers": "[peers](peers.md)",
    "latency": "[latency](latency.md)",
    "sink": "[sink](sink.md)",
    "end to end": "[end to end](end-to-end.md)",
    "recovery": "[recovery](recovery.md)",
}
Targets = Iterator[tuple[str, str, str, bool, str]]


def targets() -> list[str]:
    """Return each target: what, how much, measured, met or missed, and the page with details."""
    return table(
        ("what", "target", "measured", "", "more"),
        [
            (what, target, measured, "met" if met else "missed", PAGES[page])
            for found in (_throughput, _latency, _sink, _end_to_end, _recovery)
            for what, target, measured, met, page in found()
        ],
    )


def _throughput() -> Targets:
    peak = 0.0
    for size, rate, cpu in ((1, 60_000, 15), (10, 150_000, 6)):
        ours, packed = peers.medians(size)["ours"], "one a record" if size == 1 else "about ten a record"
        peak = max(peak, ours["peak_mib"] * MB_A_MIB)
        yield f"from a backlog, {packed}", f"{rate:,}/s", f"{ours['rate']:,.0f}/s", ours["rate"] >= rate, "peers"
        spent = ours["cpu"]
        yield f"CPU time, {packed}", f"{cpu} s per million", f"{spent:.1f} s", spent <= cpu, "peers"
    yield "memory of the worker", "400 MB", f"{peak:.0f} MB", peak <= 400, "peers"
    (kill,) = [each for each in load("kills")["outcomes"] if each["system"] == "ours"]
    wrong = kill["lost"] + kill["doubled"]
    yield "lost or doubled by two SIGKILLs", "0", str(wrong), wrong == 0, "peers"


def _latency() -> Targets:
    found = latency.step(1_700, 1)["accepted"]
    for name, most in (("p95", 100), ("p99", 250)):
        what = f"{name.upper()}, append to committed row, 1,700/s"
        yield what, f"< {most} ms", f"{found[name]:.0f} ms", found[name] < most, "latency"


def _sink() -> Targets:
    slowest = min(sink.run(f"backlog, {size} a record")["rows_per_second"] for size in (1, 10))
    yield "sink, from a backlog", "200,000 rows/s", f"{slowest:,.0f} rows/s", slowest >= 200_000, "sink"
    for name, what in (("impressions_raw", "impressions"), ("ledger_raw", "ledger")):
        found = sink.latencies()[name]["p95"]
        yield f"P95, append to readable: {what}", "< 2 s", f"{found:.2f} s", found < 2, "sink"


def _end_to_end() -> Targets:
    highest = end_to_end.highest() * 60
    what = "all on two cores, impressions a minute"
    yield what, "100,000", f"{highest:,.0f}", highest >= 100_000, "end to end"
    verdict = end_to_end.base()["verdict"]
    wrong = verdict["rows"]["missing"] + verdict["rows"]["extra"] + verdict["wrong_coverage"]
    yield "rows or users wrong after a million", "0", str(wrong), wrong == 0, "end to end"


def _recovery() -> Targets:
    found = load("recovery")["starts"]
    for name, what in ((recovery.OWN, "its own state"), (recovery.CHANGELOGS, "the changelogs")):
        ready, most = found[name]["ready"], recovery.TARGETS[name]
        yield f"ready with a million users, from {what}", f"{most} s", f"{ready:.1f} s", ready <= most, "recovery"
    longest = max(recovery.moving("by the supervisor"))
    yield "output moves again after a SIGKILL", "5 s", f"{longest:.1f} s at the longest", longest <= 5, "recovery"
    memory = recovery.most_mib() * MB_A_MIB
    yield "memory while a million users come", "1 GB", f"{memory:.0f} MB", memory <= 1_000, "recovery"


# The beginning of each peer's names, and its title; each figure is that of its best variant.
PEERS: dict[str, Sequence[str]] = {
    "Kafka Streams, tuned by hand, exactly once": [
        "kafka-streams-eos-caching-off-1",
        "kafka-streams-eos-caching-off-2",
        "kafka-streams-eos-caching-on-1",
        "kafka-streams-eos-caching-on-2",
    ],
    "Kafka Streams, as documented, exactly once": ["kafka-streams-documented-eos"],
    "Pathway": ["pathway"],
    "Bytewax": ["bytewax"],
    "Quix Streams": ["quix", "quix-ttl"],
    "Faust, as documented": ["textbook"],
}


# Our targets against each peer: this many times as fast, for this share of its CPU time.
FASTER, CHEAPER = 1.3, 0.5


def beside_peers() -> list[str]:
    """Return ours against each peer: how many times as fast, for which share of CPU time, and whether it is enough."""
    columns = ("ours beside", "speed, one a record", "CPU time", "", "speed, ten a record", "CPU time", "")
    return table(columns, [(title, *_beside(names)) for title, names in PEERS.items()])


def _beside(names: Sequence[str]) -> Iterator[str]:
    for size in (1, 10):
        found = peers.medians(size)
        speed = found["ours"]["rate"] / max(found[name]["rate"] for name in names)
        cpu = found["ours"]["cpu"] / min(found[name]["cpu"] for name in names)
        yield from (f"{speed:,.2f}", f"{cpu:,.2f}", "met" if speed >= FASTER and cpu <= CHEAPER else "missed")
