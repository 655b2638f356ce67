"""Sixteen real recorders in one page, one for each setting, which all see the same: requests, bytes, latencies."""

import time
from collections import Counter
from dataclasses import asdict
from itertools import groupby
from random import Random
from typing import Any

from bench.lib.figures import quantiles, say
from bench.recorder.browser import Chromium
from bench.recorder.proxy import Proxy
from bench.recorder.rules import Played, Recorder
from bench.recorder.settings import SETTINGS
from bench.recorder.text import raw_size, sizes
from bench.recorder.viewers import VIEWERS, Session, Viewer, session

# Their coverage is asked for: one batch will do, since hardly anybody reaches it.
ASKING_BATCH = 200
# From a request to its answer on this machine (s), for the model to say what it expects here.
HERE_SECONDS = 0.01


def measure(browser: Chromium, proxy: Proxy, origin: str, seconds: float) -> dict[str, Any]:
    """Let each viewer scroll for so long; return the figures by viewer and setting."""
    return {viewer.name: _play(browser, proxy, origin, viewer, seconds) for viewer in VIEWERS}


def _play(browser: Chromium, proxy: Proxy, origin: str, viewer: Viewer, seconds: float) -> dict[str, Any]:
    visit = _visit(viewer, seconds)
    run = f"{viewer.name}-{time.time_ns():x}"
    cells = [
        {
            "port": port,
            "flushMs": round(1000 * setting.flush_seconds),
            "batchSize": setting.batch,
            "user": f"{run}-{number}",
            "asks": setting.batch == ASKING_BATCH,
        }
        for number, (setting, port) in enumerate(zip(SETTINGS, proxy.ports, strict=True))
    ]
    say(f"  {viewer.title}: {len(visit.recorded)} impressions in {seconds:.0f} s, sixteen recorders")
    browser.open(f"{origin}/page.html")
    sent, answered = Counter(proxy.sent), Counter(proxy.answered)
    found = browser.run("await sleep(1000); return beside(args[0], args[1])", cells, stops(visit))
    bytes_of = {port: (proxy.sent[port] - sent[port], proxy.answered[port] - answered[port]) for port in proxy.ports}
    return {
        "impressions": len(visit.recorded),
        "seconds": seconds,
        "settings": {
            setting.name: _figures(each, Recorder(setting, raw_size, HERE_SECONDS).play(visit), viewer, bytes_of[port])
            for setting, port, each in zip(SETTINGS, proxy.ports, found, strict=True)
        },
    }


def _visit(viewer: Viewer, seconds: float) -> Session:
    """Return a part of a session that nobody interrupts: exits are measured by themselves."""
    rng = Random(viewer.name)
    while True:
        found = session(viewer, rng)
        if found.end >= seconds and not any(at < seconds for at in found.hidden):
            longest = max(setting.flush_seconds for setting in SETTINGS)
            return Session(tuple(at for at in found.recorded if at < seconds), (), seconds + 2 * longest)


def stops(visit: Session) -> list[list[float]]:
    """Return when something was recorded (ms), and how many."""
    return [[1000 * at, len(list(each))] for at, each in groupby(visit.recorded)]


def _figures(found: dict[str, Any], expected: Played, viewer: Viewer, http: tuple[int, int]) -> dict[str, Any]:
    """Return what a recorder did (times in ms), and what the model says that it should have done."""
    stop = round(viewer.artworks)
    modelled = sum(sizes(request.impressions, stop)[not request.exit] for request in expected.requests)
    return {
        "acknowledged": asdict(quantiles(found["acknowledged"])),
        "covered": asdict(quantiles(found["covered"])),
        "requests": len(found["flushes"]),
        "modelled_requests": len(expected.requests),
        "body_bytes": sum(size for _, size in found["flushes"]),
        "modelled_body_bytes": modelled,
        "http_sent_bytes": http[0],
        "http_answered_bytes": http[1],
        "failed": found["failed"],
        "pending": found["stats"]["pending"],
    }
