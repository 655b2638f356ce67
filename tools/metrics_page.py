"""Writes docs/reference/metrics.md from the catalogue: `python -m tools.metrics_page`."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics import MetricWrapperBase

from streams.metrics import catalogue as metrics

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "metrics.md"
INTRODUCTION = """# Metrics

Made from `streams/metrics/catalogue.py` by `make schemas`. Worker *n* serves them at `http://127.0.0.1:(9101 +
10n)/metrics`, sink *n* at 9102 + 10n, the collector at its own port (8080/metrics); `/healthz` and `/readyz` stand
beside them. Each process exports its own ones only, with prometheus_client's `process_*` and `python_*` of the process,
and the worker with Faust's own sensor, `faust_*`. Faust sees chunks, not impressions: its events are chunks, and its
latencies are in milliseconds.

Labels are bounded: no metric carries an id of a user, an artwork or a flush. `pool` has at most 100 values and `other`.
An entry names the metric, its type and labels, and its meaning. A histogram is exported as `_bucket`, `_sum` and
`_count`. Times that start at `seen_at` are measured from the device's clock; one that is ahead counts as 0.
"""
WIDTH = 120
SECTIONS = (
    ("The worker's", metrics.WORKER),
    ("The sink's", metrics.SINK),
    ("The collector's", metrics.COLLECTOR),
)


def page() -> str:
    """Return the page: the same text for the same catalogue."""
    sections = [INTRODUCTION]
    for title, registry in SECTIONS:
        sections.append("\n".join([f"## {title}\n", *_entries(registry)]) + "\n")
    return "\n".join(sections)


def of(registry: CollectorRegistry) -> Iterator[MetricWrapperBase]:
    """Return the catalogue's metrics in this registry, in the catalogue's order."""
    collectors = registry._collector_to_names
    return (each for each in metrics.catalogue().values() if each in collectors)


def exported(metric: MetricWrapperBase) -> str:
    """Return a metric's name in PromQL."""
    return f"{metric._name}_total" if isinstance(metric, Counter) else metric._name


def _entries(registry: CollectorRegistry) -> Iterator[str]:
    for metric in of(registry):
        kind = "counter" if isinstance(metric, Counter) else "gauge" if isinstance(metric, Gauge) else "histogram"
        labels = " and ".join(f"`{label}`" for label in metric._labelnames)
        entry = f"- `{exported(metric)}` ({kind}{' by ' + labels if labels else ''}): {metric._documentation}."
        yield textwrap.fill(entry, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
