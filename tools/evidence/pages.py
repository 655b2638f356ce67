"""The pages: prose written by hand, and tables between two comments, generated from the results.

A table goes between `<!-- table: NAME -->` and `<!-- end -->`; the name maps to a function of the other modules here.
"""

import re
from collections.abc import Callable

from tools.evidence import (
    browsers,
    connections,
    end_to_end,
    headline,
    hurtful,
    kpis,
    latency,
    load,
    loris,
    peers,
    reads,
    recovery,
    scale,
    sdk,
    sink,
    trackers,
    tuning,
    tuning_page,
    where,
)
from tools.evidence.results import ROOT

PAGES = sorted((ROOT / "docs" / "evidence").glob("*.md"))
TABLES: dict[str, Callable[[], list[str]]] = {
    "headline": headline.targets,
    "beside peers": headline.beside_peers,
    "one a record": peers.one_a_record,
    "ten a record": peers.ten_a_record,
    "kills": peers.kills,
    "latency": latency.by_rate,
    "sink": sink.backlog,
    "readable": sink.readable,
    "end to end": end_to_end.latencies,
    "programs": end_to_end.programs,
    "rates": end_to_end.rates,
    "questions": kpis.questions,
    "tuning settings": tuning.settings,
    "tuning viewers": tuning.viewers,
    "tuning checked": tuning.checked,
    "tuning latency": tuning.latency,
    "tuning gzip": tuning_page.compression,
    "tuning servers": tuning.servers,
    "tuning exits": tuning.exits,
    "tuning page": tuning_page.page,
    "tuning flushes": tuning_page.flushes,
    "tuning backlog": tuning_page.backlog,
    "tuning idle": tuning_page.idle,
    "tuning sizes": tuning_page.sizes,
    "tuning power": tuning.power,
    "tuning loads": tuning.loads,
    "acknowledgements": sdk.acknowledgements,
    "scale": scale.costs,
    "rebalance": scale.rebalances,
    "starts": recovery.starts,
    "day": recovery.day,
    "where": where.shares,
    "load": load.recording,
    "load ledgers": load.ledgers,
    "load shown": load.shown,
    "load programs": load.programs,
    "load answers": load.happened,
    "load rates": load.rates,
    "connections idle": connections.idle,
    "connections gone": connections.gone,
    "slow connections": loris.beside_slow,
    "reads": reads.answers,
    "reads delays": reads.delays,
    "hurtful": hurtful.by_record,
    "catalogues": hurtful.catalogues,
    "trackers": trackers.totals,
    "trackers by engine": trackers.by_engine,
    "trackers by scenario": trackers.by_scenario,
    "trackers left out": trackers.left_out,
    "trackers' configuration": trackers.configured,
    "browsers": browsers.sums,
    "browsers scenarios": browsers.scenarios,
    "browsers exceptions": browsers.exceptions,
    "browsers control": browsers.control,
}
_BLOCK = re.compile(r"<!-- table: (?P<name>[^>]+?) -->\n.*?<!-- end -->", flags=re.DOTALL)


def filled(text: str) -> str:
    """Return the page with each of its tables made from the results. Raises KeyError for an unknown table."""
    return _BLOCK.sub(lambda found: block(found["name"]), text)


def named(text: str) -> list[str]:
    """Return the names of a page's tables."""
    return [found["name"] for found in _BLOCK.finditer(text)]


def block(name: str) -> str:
    """Return a table between its two comments."""
    return "\n".join([f"<!-- table: {name} -->", "", *TABLES[name](), "", "<!-- end -->"])
