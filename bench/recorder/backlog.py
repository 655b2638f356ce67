"""What a batch does when a lot waits: offline with 2,000 impressions, then online."""

from statistics import median

from bench.lib.figures import say
from bench.recorder.browser import Chromium
from bench.recorder.main_thread import user
from bench.recorder.proxy import Proxy
from bench.recorder.settings import BATCHES

KEPT = 2_000


def measure(browser: Chromium, proxy: Proxy, origin: str, rounds: int) -> dict[str, dict[str, float]]:
    """Return by batch: requests, bytes over HTTP, CPU (ms) of the main thread, and s from first to last answer."""
    found: dict[int, dict[str, list[float]]] = {batch: {} for batch in BATCHES}
    for _ in range(rounds):
        for batch in BATCHES:
            for name, value in _drain(browser, proxy, origin, batch).items():
                found[batch].setdefault(name, []).append(value)
    figures = {str(batch): {name: median(values) for name, values in each.items()} for batch, each in found.items()}
    for name, each in figures.items():
        say(f"  {KEPT} kept, batch {name}: {each['requests']:.0f} requests, {each['main_ms']:.0f} ms")
    return figures


def _drain(browser: Chromium, proxy: Proxy, origin: str, batch: int) -> dict[str, float]:
    port = proxy.ports[0]
    proxy.set_deaf(True)
    browser.open(f"{origin}/page.html")
    browser.run(
        "window.recorder = open('http://127.0.0.1:' + args[0], args[1], { flushMs: 60000, batchSize: args[2] });"
        "window.sizes = []; recorder.on('sent', ({ bytes }) => sizes.push(bytes));"
        f"await sleep(1000); await record(recorder, 0, {KEPT}); await sleep(3000); return 0",
        port,
        user(),
        batch,
    )
    proxy.set_deaf(False)
    before, sent = browser.main_thread()["tasks"], proxy.sent[port]
    took, sizes = browser.run(
        # As the browser does once it is online again: what was waited for between attempts ends.
        "await sleep(0); sizes.length = 0; let first = 0, last = 0;"
        "recorder.on('acknowledged', () => { last = performance.now(); first ||= last; });"
        "dispatchEvent(new Event('online'));"
        "while (recorder.stats().pending) await sleep(1000);"
        "return [last - first, sizes]"
    )
    return {
        "requests": len(sizes),
        "largest_bytes": max(sizes),
        "http_sent_bytes": proxy.sent[port] - sent,
        "main_ms": 1000 * (browser.main_thread()["tasks"] - before),
        "seconds": took / 1000,
    }
