"""Real exits at random moments: what was at risk, what of it arrived by itself, and how much later."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from bench.lib.broker import HOST
from bench.lib.figures import quantiles, say
from bench.recorder.beside import stops
from bench.recorder.browser import Chromium, chromium
from bench.recorder.settings import FLUSH_SECONDS
from bench.recorder.viewers import GALLERY, Session, session
from streams.clickhouse.client import connect
from streams.settings import Settings

NAVIGATION, RENDERER, BROWSER = "navigation", "renderer killed", "browser killed"
# Times of each kind, at each flush. A browser takes longer to start again.
TIMES = {NAVIGATION: 12, RENDERER: 6, BROWSER: 4}
BATCH = 200
# recorder/src/store/claim.ts: as long as what a tab has claimed is its own. The next visits come later than that: what
# arrives before them has come by itself.
CLAIM_SECONDS = 11.0
ARRIVAL_SECONDS, LOOK_SECONDS = 60.0, 0.5


@dataclass(slots=True)
class Exit:
    """An exit. Times in ms since the epoch."""

    kind: str
    flush_seconds: float
    user: str
    at: int
    recorded: dict[str, int]
    """When each was seen."""
    at_risk: list[str]
    """Recorded, and not acknowledged."""
    next_visit: int = 0
    arrived: dict[str, int] = field(default_factory=dict)


def measure(settings: Settings, origin: str, share: float) -> dict[str, Any]:
    """Leave as often as TIMES says, times `share`; return the figures by flush and kind."""
    rng, exits = Random(1), list[Exit]()
    with chromium() as browser:
        for kind, times in TIMES.items():
            mine = list[Exit]()
            for seconds in FLUSH_SECONDS:
                for _ in range(max(1, round(share * times))):
                    mine.append(_leave(browser, settings, origin, kind, seconds, rng))
                    if kind == BROWSER:
                        browser.restart()
                say(f"  {kind}, flush {seconds:g} s")
            # What a tab has claimed is anyone's after a while.
            time.sleep(CLAIM_SECONDS)
            for each in mine:
                _return(browser, settings, origin, each)
            exits += mine
    rows = Counter(_arrive(settings, exits))
    figures: dict[str, dict[str, Any]] = {}
    for seconds in FLUSH_SECONDS:
        for kind in TIMES:
            mine = [each for each in exits if (each.kind, each.flush_seconds) == (kind, seconds)]
            figures.setdefault(f"{seconds:g}", {})[kind] = _figures(mine, rows)
    return {"flushes": figures}


def _visit(
    browser: Chromium, settings: Settings, origin: str, user: str, flush_ms: int, plan: Sequence[object]
) -> None:
    browser.open(f"{origin}/page.html")
    endpoint, options = f"http://{HOST}:{settings.collector_port}", {"flushMs": flush_ms, "batchSize": BATCH}
    browser.run("visit(args[0], args[1], args[2], args[3]); return 0", endpoint, user, options, plan)


def _leave(browser: Chromium, settings: Settings, origin: str, kind: str, seconds: float, rng: Random) -> Exit:
    """Visit, and leave at a random moment within two flushes."""
    user = f"exit-{time.time_ns():x}"
    lasts = 3.0 + rng.uniform(0, 2 * seconds)
    visit = session(GALLERY, rng)
    plan = stops(Session(tuple(at for at in visit.recorded if at < lasts), (), lasts))
    browser.new_tab()
    browser.open(f"{origin}/page.html")
    renderer = browser.renderer() if kind == RENDERER else set()
    _visit(browser, settings, origin, user, round(1000 * seconds), plan)
    time.sleep(lasts)
    known = browser.run("return leave(args[0])", f"{origin}/blank.html" if kind == NAVIGATION else "")
    if kind == RENDERER:
        browser.kill(renderer)
    elif kind == BROWSER:
        browser.kill_all()
    at_risk = [each for each in known["recorded"] if each not in known["acknowledged"]]
    return Exit(kind, seconds, user, known["at"], known["recorded"], at_risk)


def _return(browser: Chromium, settings: Settings, origin: str, found: Exit) -> None:
    """Come back as the same user, and send what is left."""
    browser.new_tab()
    found.next_visit = round(1000 * time.time())
    _visit(browser, settings, origin, found.user, 1_000, [])
    browser.run("await recorder.flush(); return 0")


def _arrive(settings: Settings, exits: Sequence[Exit]) -> list[str]:
    """Wait until all of it can be read, or it takes too long; note when each arrived; return the ids of all rows."""
    client, by_user = connect(settings), {each.user: each for each in exits}
    query = f"""SELECT impression_id, toUnixTimestamp64Milli(received_at), user_id
        FROM {settings.clickhouse_database}.impressions WHERE startsWith(user_id, 'exit-')"""
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while True:
        rows = client.query(query).result_rows
        for impression, at, user in rows:
            by_user[str(user)].arrived[str(impression)] = int(at)
        if all(each.arrived.keys() >= each.recorded.keys() for each in exits) or time.monotonic() > deadline:
            return [str(impression) for impression, _, _ in rows]
        time.sleep(LOOK_SECONDS)


def _figures(exits: Sequence[Exit], rows: Counter[str]) -> dict[str, Any]:
    """Return the figures of one kind and flush; times in s."""
    at_risk = [(each, name) for each in exits for name in each.at_risk]
    there = [(each, name) for each, name in at_risk if name in each.arrived]
    by_itself = [(each, name) for each, name in there if each.arrived[name] < each.next_visit]
    later = [(each, name) for each, name in there if each.arrived[name] >= each.next_visit]
    return {
        "exits": len(exits),
        "recorded": sum(len(each.recorded) for each in exits),
        "at_risk": asdict(quantiles(len(each.at_risk) for each in exits)),
        "at_risk_total": len(at_risk),
        "by_itself": len(by_itself),
        "at_next_visit": len(later),
        "lost": sum(name not in each.arrived for each in exits for name in each.recorded),
        "double": sum(rows[name] > 1 for each in exits for name in each.recorded),
        "after_exit": asdict(quantiles((each.arrived[name] - each.at) / 1000 for each, name in by_itself)),
        "after_next_visit": asdict(quantiles((each.arrived[name] - each.next_visit) / 1000 for each, name in later)),
        "seen_to_append": asdict(quantiles((each.arrived[name] - each.recorded[name]) / 1000 for each, name in there)),
    }
