"""What the recorder costs a page: its main thread, wake-ups, bytes."""

from typing import Any

from bench.recorder.settings import BATCHES
from tools.evidence.results import table
from tools.evidence.tuning_results import KB, shown


def _gzip(runs: dict[str, Any]) -> list[str]:
    """Return what gzip saves, by size."""
    return table(
        ("impressions", "bytes", "gzipped", "saved", "as sent"),
        [
            (
                f"{each['impressions']}",
                f"{each['raw_bytes']:,}",
                f"{each['gzip_bytes']:,}",
                f"{1 - each['gzip_bytes'] / each['raw_bytes']:.0%}",
                f"{each['sent_bytes']:,}",
            )
            for each in runs["flushing"]["compression"]
        ],
    )


def _page(runs: dict[str, Any]) -> list[str]:
    """Return what the recorder costs a page's main thread."""
    page, record, longest = (runs["observing"][name] for name in ("page", "record", "longest"))
    flushes = runs["flushing"]["flushes"]
    rows = [
        ("create a recorder, its storage opened", f"{page['create']:.1f} ms", ""),
        ("observe 1,000 elements, and hear of them", f"{page['observe']:.1f} ms", f"{longest['observe']:.1f} ms"),
        ("scroll 1,000 px and look, without a recorder", f"{page['scroll tasks without']:.1f} ms", ""),
        ("the same, with 1,000 observed and some recorded", f"{page['scroll tasks with']:.1f} ms", ""),
        ("`record()`, the call", f"{record['first, the call'] / KB:.3f} ms", ""),
        ("`record()`, all that follows before its flush", f"{record['first'] / KB:.3f} ms", ""),
        ("the same, with 1,000 that wait", f"{record['later'] / KB:.3f} ms", ""),
        *(
            (
                f"flush of {size}, from its claim to all removed",
                f"{flushes[size]['flush']:.1f} ms",
                f"{longest[f'flush of {size}']:.1f} ms",
            )
            for size in ("1", "50", "499")
        ),
    ]
    return table(("what", "CPU of the main thread", "longest task"), rows)


def _flushes(runs: dict[str, Any]) -> list[str]:
    """Return what impressions cost, by the size of their flush."""
    return table(
        (
            "impressions a flush",
            "record ms",
            "flush ms",
            "page ms of 100",
            "all of Chromium, ms of 100",
            "bytes of 100",
        ),
        [
            (
                size,
                f"{each['record']:.1f}",
                f"{each['flush']:.1f}",
                f"{100 * each['both'] / int(size):.0f}",
                f"{100 * each['both, browser'] / int(size):.0f}",
                f"{100 * each['bytes'] / int(size):,.0f}",
            )
            for size, each in runs["flushing"]["flushes"].items()
        ],
    )


def _backlog(runs: dict[str, Any]) -> list[str]:
    """Return how 2,000 kept impressions leave."""
    return table(
        ("batch", "requests", "largest body", "over HTTP", "CPU of the main thread", "first to last answer"),
        [
            (
                f"{batch}",
                f"{each['requests']:.0f}",
                f"{each['largest_bytes'] / KB:.1f} kB",
                f"{each['http_sent_bytes'] / KB:.0f} kB",
                f"{each['main_ms']:.0f} ms",
                f"{each['seconds']:.1f} s",
            )
            for batch in BATCHES
            for each in (runs["backlog"]["batches"][str(batch)],)
        ],
    )


def _idle(runs: dict[str, Any]) -> list[str]:
    """Return what wakes a page up."""
    idle = runs["idle"]
    names = (
        "setTimeout",
        "setInterval",
        "requestAnimationFrame",
        "IntersectionObserver",
        "fetch",
        "fetchLater",
        "sendBeacon",
    )
    rounds = [
        ("idle, without a recorder", idle["without"]),
        ("21 s from the last acknowledgement on", idle["after"]),
        (f"then: idle, {idle['recorded']} recorded and acknowledged", idle["with"]),
        *((f"nobody answers, {idle['kept']} kept: minute {n}", each) for n, each in enumerate(idle["offline"], 1)),
    ]
    return table(
        ("a minute in which nothing happens", "timers", "frames", "observers", "requests", "CPU of the main thread"),
        [
            (
                title,
                *(
                    f"{sum(each['woken'].get(name, 0) for name in group)}"
                    for group in (names[:2], names[2:3], names[3:4], names[4:])
                ),
                f"{each['main_ms']:.0f} ms",
            )
            for title, each in rounds
        ],
    )


def _sizes(runs: dict[str, Any]) -> list[str]:
    """Return what each feature weighs."""
    sizes = runs["sizes"]
    features = sorted(sizes["features"], key=lambda each: -each["gzip_bytes"])
    rest = {part: sizes["whole"][part] - sum(each[part] for each in features) for part in ("bytes", "gzip_bytes")}
    rows = [
        *((each["feature"], each["bytes"], each["gzip_bytes"]) for each in features),
        ("the rest: record, flush, the page's life", rest["bytes"], rest["gzip_bytes"]),
        *((f"`{name}`, all of it", each["bytes"], each["gzip_bytes"]) for name, each in sizes["files"].items()),
    ]
    return table(("what", "bytes", "gzipped"), [(what, f"{raw:,}", f"{zipped:,}") for what, raw, zipped in rows])


compression = shown(_gzip, "flushing")
page = shown(_page, "observing", "flushing")
flushes = shown(_flushes, "flushing")
backlog = shown(_backlog, "backlog")
idle = shown(_idle, "idle")
sizes = shown(_sizes, "sizes")
