"""Where the worker's time goes."""

from tools.evidence.results import load, table

# Modules of the flame graph by purpose; the last row is everything else.
GROUPS = {
    "msgspec: decoding and writing JSON, making rows": ("msgspec._core",),
    "`streams.core.chunk`: what calls the rules": ("streams.core.chunk",),
    "`streams.state.partition_state`: users, buckets, what changed": ("streams.state.partition_state",),
    "the C library: memory": ("c",),
    "`streams.core.window`, `seen`, `judge` and roaring bitmaps: rules 1 to 3": (
        "streams.core.window",
        "streams.core.seen",
        "streams.core.judge",
        "roaring.h",
        "roaring.c",
    ),
    "`streams.core.decode_fast`, `rows`, `lines`": (
        "streams.core.decode_fast",
        "streams.core.rows",
        "streams.core.lines",
    ),
    "`streams.core.identity` and SHA-256: event_id": ("streams.core.identity", "crypto"),
}
OTHERS = "Python itself, Faust, aiokafka, asyncio, rocksdict, confluent-kafka"


def shares() -> list[str]:
    """Return each group's own share of the time of Python's threads, and that time per impression."""
    found = load("flame")
    own = {each["module"]: each["own"] for each in found["shares"]}
    groups = {title: sum(own[module] for module in modules) for title, modules in GROUPS.items()}
    groups[OTHERS] = 1 - sum(groups.values())
    cost = found["cpu_us"] * found["threads"]["python"]
    return table(
        ("where", "own share of the time of Python's threads", "µs an impression"),
        [(title, f"{100 * share:.0f} %", f"{share * cost:.1f}") for title, share in groups.items()],
    )
