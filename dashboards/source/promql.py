"""PromQL that several panels share."""

import re

from grafana_foundation_sdk.models import prometheus

from dashboards.source.queries import metric

SHARES = {"P50": 0.5, "P95": 0.95, "P99": 0.99}
# Labels whose values don't show what they are.
NUMBERED = ("partition", "code")


def each(function: str, expr: str, label: str) -> prometheus.Dataquery:
    """Return `expr` for each value of a label, aggregated over everything else by `function`: sum or max."""
    legend = f"{{{{{label}}}}}"
    return metric(f"{function} by ({label}) ({expr})", f"{label} {legend}" if label in NUMBERED else legend)


def rates(counter: str, label: str) -> prometheus.Dataquery:
    """Return a counter's rate a second, for each value of a label."""
    return each("sum", f"rate({counter}[$__rate_interval])", label)


def of_pools(gauge: str) -> prometheus.Dataquery:
    """Return a gauge for each chosen pool."""
    return each("max", f'{gauge}{{pool=~"$pool"}}', "pool")


def ratio(part: str, whole: str, legend: str, by: str = "") -> prometheus.Dataquery:
    """Return the ratio of two counters' rates, for each value of the label `by`."""
    over = f"sum by ({by}) " if by else "sum"
    return metric(" / ".join(f"{over}(rate({counter}[$__rate_interval]))" for counter in (part, whole)), legend)


def percentile(histogram: str, name: str, legend: str, *, where: str = "", by: str = "") -> prometheus.Dataquery:
    """Return a percentile (of SHARES) of a histogram over all its exporters, for each value of the label `by`."""
    labels = f"le, {by}" if by else "le"
    per_bucket = f"sum by ({labels}) (rate({histogram}_bucket{where}[$__rate_interval]))"
    return metric(f"histogram_quantile({SHARES[name]}, {per_bucket})", legend)


def whole(target: prometheus.Dataquery) -> prometheus.Dataquery:
    """Return a percentile of numbers that are whole: within the first bucket, Prometheus counts from 0."""
    return metric(f"ceil({target.expr})", str(target.legend_format))


def percentiles(histogram: str, where: str = "") -> list[prometheus.Dataquery]:
    """Return one query for each of SHARES."""
    return [percentile(histogram, name, name, where=where) for name in SHARES]


def mean(histogram: str, legend: str) -> prometheus.Dataquery:
    """Return the mean of a histogram."""
    summed, counted = (f"sum(rate({histogram}_{part}[$__rate_interval]))" for part in ("sum", "count"))
    return metric(f"{summed} / {counted}", legend)


def level_of(target: prometheus.Dataquery, level: float, words: str) -> prometheus.Dataquery:
    """Return a constant with a name, for as long as the metric that the target reads exists: a threshold's line."""
    (read,) = re.findall(r"\b(?:impressions|faust)_\w+", str(target.expr))[:1]
    # A histogram's buckets are many; its count is one series for each exporter.
    return metric(f"{level:g} + 0 * max({read.removesuffix('_bucket')}{'_count' if '_bucket' in read else ''})", words)
