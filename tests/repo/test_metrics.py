"""The catalogue of metrics: naming conventions, bounded labels, no metric that is never set, and its page."""

import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from streams.metrics import catalogue as metrics
from tools import metrics_page

STREAMS = Path(metrics.__file__).parents[1]
ALL = [pytest.param(variable, metric, id=variable) for variable, metric in metrics.catalogue().items()]
# Each is bounded: partitions and topics, the six transports, pools up to a limit, thresholds, tables, a few words.
LABELS = {"partition", "topic", "outcome", "reason", "transport", "pool", "coverage", "table", "code"}
LABELS |= {"state", "certificate", "kind"}
# The collector's: a few words each, and the statuses that it answers with.
LABELS |= {"route", "status", "call", "form"}
# Both kinds of process know it of themselves.
OF_BOTH = {"impressions_broker_away_seconds"}


@pytest.mark.parametrize(("variable", "metric"), ALL)
def test_names_follow_the_conventions(variable: str, metric: MetricWrapperBase) -> None:
    name = metric._name
    assert re.fullmatch(r"impressions_[a-z0-9]+(_[a-z0-9]+)*", name)
    assert not re.search(r"_(ms|millis|milliseconds|minutes|kb|mb|mib|percent)(_|$)", name), "base units only"
    assert not name.endswith(("_total", "_count", "_sum", "_bucket")), "the client adds these"
    assert metric._documentation
    assert not metric._documentation.endswith(".")
    if "(s)" in metric._documentation or "(s " in metric._documentation:
        assert name.endswith("_seconds")
    if "(bytes)" in metric._documentation:
        assert name.endswith("_bytes")


@pytest.mark.parametrize(("variable", "metric"), ALL)
def test_labels_are_bounded(variable: str, metric: MetricWrapperBase) -> None:
    assert set(metric._labelnames) <= LABELS


@pytest.mark.parametrize(("variable", "metric"), ALL)
def test_each_metric_is_set_somewhere(variable: str, metric: MetricWrapperBase) -> None:
    used = re.compile(rf"\b(metrics|availability)\.{variable}\b")
    assert any(
        used.search(path.read_text()) for path in STREAMS.rglob("*.py") if path.parent != Path(metrics.__file__).parent
    )


def test_each_metric_belongs_to_one_process() -> None:
    worker = {metric._name for metric in metrics_page.of(metrics.WORKER)}
    sink = {metric._name for metric in metrics_page.of(metrics.SINK)}
    assert worker & sink == OF_BOTH
    collector = {metric._name for metric in metrics_page.of(metrics.COLLECTOR)}
    assert not collector & (worker | sink)
    assert worker | sink | collector == {metric._name for metric in metrics.catalogue().values()}


def test_the_page_matches_the_catalogue() -> None:
    assert metrics_page.PAGE.read_text() == metrics_page.page(), "run `make schemas`"


def test_pools_beyond_the_limit_share_a_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_pools", set())
    monkeypatch.setattr(metrics, "POOLS", 2)
    assert [metrics.pool_label(pool_id) for pool_id in ("a", "b", "c", "a", "d")] == ["a", "b", "other", "a", "other"]
