"""What the recorder costs a page's main thread: 1,000 observed elements, a scroll, a record, a flush, its parse."""

import time
from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.recorder.browser import Chromium, chromium

ELEMENTS, STOPS, RECORDS = 1_000, 10, 1_000
# 500 are flushed by themselves: the largest that waits for `flush()` is one less.
FLUSHES = (1, 2, 5, 10, 20, 50, 100, 200, 499)
SHOWN_FLUSHES = (1, 50, 499)
CYCLES = 10
MARKED = "await sleep(0); console.timeStamp('begin'); %s; await sleep(1000); console.timeStamp('end'); return 0"
# What a page does after it was loaded is over by then.
SETTLED_MS = 1_500
BUILD = f"await sleep(0); window.elements = build({ELEMENTS}); await sleep({SETTLED_MS}); return 0"
OPEN = "window.recorder = open('http://127.0.0.1:' + args[0], args[1], { flushMs: args[2], batchSize: 500 });"


def observing(browser: Chromium, origin: str, port: int, rounds: int) -> dict[str, Any]:
    """Observe 1,000 elements and scroll past some, beside the same page without a recorder; times in ms of CPU."""
    found: dict[str, list[float]] = {}
    for number in range(2 * rounds):
        with_recorder = number % 2 == 1
        browser.open(f"{origin}/wall.html")
        browser.run(BUILD)
        if with_recorder:
            before = browser.main_thread()
            browser.run(f"await sleep(0); {OPEN} await sleep(1000); return 0", port, user(), 5_000)
            middle = browser.main_thread()
            took = browser.run(
                "await sleep(0); const took = observe(recorder, elements); await sleep(1000); return took"
            )
            after = browser.main_thread()
            found.setdefault("create", []).append(1000 * (middle["tasks"] - before["tasks"]))
            found.setdefault("observe", []).append(1000 * (after["tasks"] - middle["tasks"]))
            found.setdefault("observe calls", []).append(took)
        before = browser.main_thread()
        browser.run(f"await sleep(0); await stroll({STOPS}); return 0")
        after = browser.main_thread()
        for part in before:
            name = f"scroll {part} {'with' if with_recorder else 'without'}"
            found.setdefault(name, []).append(1000 * (after[part] - before[part]) / STOPS)
        if with_recorder:
            found.setdefault("recorded", []).append(browser.run("return recorder.stats().recorded"))
    return {name: median(values) for name, values in found.items()} | {"rounds": rounds}


def recording(browser: Chromium, origin: str, port: int, rounds: int) -> dict[str, float]:
    """Return what record() takes (µs of CPU): with nothing that waits, and with 1,000 that do. Nothing is sent."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        browser.open(f"{origin}/page.html")
        browser.run(f"await sleep(0); {OPEN} await sleep(1000); return 0", port, user(), 60_000)
        for name, first in (("first", 0), ("later", RECORDS)):
            before = browser.main_thread()
            took = browser.run(
                "await sleep(0); const begun = performance.now(); for (let n = 0; n < args[1]; n++)"
                " recorder.record(artwork(args[0] + n), { dwellMs: 1000, visible: 0.9, position: n });"
                "const took = performance.now() - begun; await sleep(1000); return took",
                first,
                RECORDS // 10,
            )
            after = browser.main_thread()
            found.setdefault(f"{name}, the call", []).append(1000 * took / (RECORDS // 10))
            found.setdefault(name, []).append(1e6 * (after["tasks"] - before["tasks"]) / (RECORDS // 10))
            if name == "first":
                browser.run(
                    "await sleep(0); await record(recorder, args[0], args[1]); await sleep(2000); return 0",
                    100,
                    RECORDS,
                )
    return {name: median(values) for name, values in found.items()}


def flushing(browser: Chromium, origin: str, port: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return what impressions and flushes cost, by the size of a flush; CPU time in ms.

    Of the main thread: to record so many, and to flush them. Of all processes of the browser: both together.
    """
    found: dict[int, dict[str, list[float]]] = {size: {} for size in FLUSHES}
    for number in range(rounds):
        for size in FLUSHES[:: -1 if number % 2 else 1]:
            browser.open(f"{origin}/page.html")
            browser.run(f"await sleep(0); {OPEN} await sleep(1000); return 0", port, user(), 60_000)
            for name, spent in _flush(browser, size).items():
                found[size].setdefault(name, []).append(spent)
    return {str(size): {name: median(values) for name, values in each.items()} for size, each in found.items()}


def _flush(browser: Chromium, size: int) -> dict[str, float]:
    def spent(script: str) -> tuple[float, float, float]:
        """Return the CPU time (ms) of the main thread and of all processes, and how long it took (s)."""
        begun, main, whole = time.monotonic(), browser.main_thread()["tasks"], browser.cpu_seconds()
        browser.run(f"await sleep(0); {script}; await sleep(args[0]); return 0", 1_000, size, CYCLES)
        used = browser.main_thread()["tasks"] - main, browser.cpu_seconds() - whole
        return 1000 * used[0], 1000 * used[1], time.monotonic() - begun

    # The first flush of a page compiles what it needs; a page has many.
    spent("await cycle(recorder, args[1], 1)")
    idle = spent("await sleep(1000)")
    record, flush = spent("await record(recorder, 0, args[1])"), spent("await recorder.flush()")
    both = spent("await cycle(recorder, args[1], args[2])")
    stats = browser.run("return recorder.stats()")
    assert stats["acknowledged"] == (CYCLES + 2) * size, stats
    return {
        "record": record[0] - idle[0] / idle[2] * record[2],
        "flush": flush[0] - idle[0] / idle[2] * flush[2],
        "both": (both[0] - idle[0] / idle[2] * both[2]) / CYCLES,
        "both, browser": (both[1] - idle[1] / idle[2] * both[2]) / CYCLES,
        "bytes": stats["bytesSent"] / (CYCLES + 2),
    }


def longest(origin: str, port: int, rounds: int) -> dict[str, float]:
    """Return the longest task of the main thread (ms of CPU) in a flush, by its size, and in observing 1,000."""
    found: dict[str, list[float]] = {}
    with chromium(traced=True) as browser:
        for _ in range(rounds):
            for size in SHOWN_FLUSHES:
                browser.open(f"{origin}/page.html")
                browser.run(f"await sleep(0); {OPEN} await sleep(500); return 0", port, user(), 60_000)
                browser.run("await sleep(0); await record(recorder, 0, args[0]); await sleep(1000); return 0", size)
                browser.run(MARKED % "await recorder.flush()")
                found.setdefault(f"flush of {size}", []).append(_longest(browser.tasks()))
            browser.open(f"{origin}/wall.html")
            browser.run(BUILD)
            browser.run(f"await sleep(0); {OPEN} await sleep(500); return 0", port, user(), 5_000)
            browser.run(MARKED % "observe(recorder, elements)")
            found.setdefault("observe", []).append(_longest(browser.tasks()))
    return {name: median(values) for name, values in found.items()}


def _longest(events: Sequence[dict[str, Any]]) -> float:
    """Return the longest task (ms of CPU) between two marks, on the thread that set them."""
    marks = {each["args"]["data"]["message"]: each for each in events if each["name"] == "TimeStamp"}
    begin, end = marks["begin"], marks["end"]
    thread = begin["pid"], begin["tid"]
    inside = [
        each.get("tdur", each["dur"])
        for each in events
        if each["name"] == "RunTask"
        and (each["pid"], each["tid"]) == thread
        and begin["ts"] <= each["ts"] + each["dur"]
        and each["ts"] <= end["ts"]
    ]
    return max(inside, default=0) / 1000


def user() -> str:
    """Return an id that nobody had."""
    return f"page-{time.time_ns():x}"
