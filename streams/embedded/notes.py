"""What `impressions status` says beside its table: what runs, and yet is not as people expect it."""

import re
from collections.abc import Iterable, Iterator

from streams.embedded.components import component, http_get
from streams.embedded.stack import WORKERS, Row
from streams.settings import Settings

_SAMPLE = r"^{}(?:\{{[^}}]*\}})? (\d\S*)$"


def notes(settings: Settings, rows: Iterable[Row]) -> Iterator[str]:
    """Yield a sentence for each thing to know about the running workers; asks each for its metrics."""
    for row in rows:
        if row.up and row.component.startswith(WORKERS):
            metrics = http_get(component(row.component, settings).address, "/metrics")
            if metrics is not None and (note := uncatalogued(row.component, metrics)):
                yield note


def uncatalogued(worker: str, metrics: str) -> str | None:
    """Return what to know about artworks that are seen and that nobody catalogued; None if there are none."""
    artworks, impressions = (
        _value(metrics, name) for name in ("impressions_uncatalogued_artworks", "impressions_worker_uncatalogued_total")
    )
    if not artworks:
        return None
    return (
        f"{worker}: {artworks:,} artworks are shown that nobody has catalogued ({impressions:,} impressions since its "
        "start), so no pool's coverage counts them. Its log names some (impressions_uncatalogued); `impressions "
        "catalogue load FILE` catalogues them."
    )


def _value(metrics: str, name: str) -> int:
    """Return a sample's value in a Prometheus exposition; 0 without one."""
    found = re.search(_SAMPLE.format(re.escape(name)), metrics, re.MULTILINE)
    return int(float(found[1])) if found else 0
