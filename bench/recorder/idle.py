"""What wakes a page up that has a recorder: in a minute in which nothing happens, and offline with something kept."""

from typing import Any

from bench.lib.figures import say
from bench.recorder.browser import Chromium
from bench.recorder.main_thread import BUILD, OPEN, user
from bench.recorder.proxy import Proxy

# What is kept meanwhile, when nobody answers.
KEPT = 20
# Longer than any timer of a recorder that has nothing to do.
AFTER_SECONDS = 21.0


def measure(browser: Chromium, proxy: Proxy, origin: str, seconds: float, offline_minutes: int) -> dict[str, Any]:
    """Return the wake-ups and requests of an idle page with a recorder, without one, and with nobody who answers."""
    found: dict[str, Any] = {"seconds": seconds}
    for name in ("without", "with"):
        browser.open(f"{origin}/wall.html")
        browser.run(BUILD)
        if name == "with":
            _begin(browser, proxy)
            browser.run("await until(() => recorder.stats().pending == 0); return 0")
            # Timers that a flush leaves behind.
            found["after"] = _minute(browser, AFTER_SECONDS)
            say(f"  {AFTER_SECONDS:.0f} s after the last flush: {found['after']['woken'] or 'nothing'}")
        found[name] = _minute(browser, seconds)
        say(f"  idle, {name} the recorder: {found[name]['woken'] or 'nothing'}")
    found["recorded"] = browser.run("return recorder.stats().recorded")
    proxy.set_deaf(True)
    browser.run(f"await sleep(0); stop(recorder, 5000, {KEPT}); return 0")
    found["kept"] = KEPT
    found["offline"] = [_minute(browser, seconds) for _ in range(offline_minutes)]
    proxy.set_deaf(False)
    for minute in found["offline"]:
        say(f"  offline: {minute['woken']}")
    took = browser.run(
        "const begun = performance.now(); await until(() => recorder.stats().pending == 0, 120000);"
        "return (performance.now() - begun) / 1000"
    )
    return found | {"back_seconds": took}


def _begin(browser: Chromium, proxy: Proxy) -> None:
    browser.run(f"await sleep(0); {OPEN} return 0", proxy.ports[0], user(), 1_000)
    browser.run("await sleep(500); observe(recorder, elements); await sleep(3000); return 0")


def _minute(browser: Chromium, seconds: float) -> dict[str, Any]:
    """Return what woke the page up meanwhile, and the CPU time (ms) of its main thread."""
    before = browser.main_thread()["tasks"]
    woken = browser.run("woken = {}; await sleep(args[0]); return woken", round(1000 * seconds))
    return {"woken": woken, "main_ms": 1000 * (browser.main_thread()["tasks"] - before)}
