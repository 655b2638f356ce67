"""The catalogue of metrics: Prometheus' naming conventions, and no metric that nothing sets."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import Counter, Gauge, Histogram

from streams import metrics as worker_metrics
from streams.sink import metrics as sink_metrics

STREAMS = Path(worker_metrics.__file__).parent
Metric = Counter | Gauge | Histogram


def catalogue(module: ModuleType) -> list[tuple[str, Metric]]:
    return [(name, value) for name, value in vars(module).items() if isinstance(value, Metric)]


ALL = [
    pytest.param(module, variable, metric, id=f"{module.__name__}.{variable}")
    for module in (worker_metrics, sink_metrics)
    for variable, metric in catalogue(module)
]


@pytest.mark.parametrize(("module", "variable", "metric"), ALL)
def test_names_follow_the_conventions(module: ModuleType, variable: str, metric: Metric) -> None:
    name = str(metric._name)
    assert re.fullmatch(r"impressions_[a-z0-9]+(_[a-z0-9]+)*", name)
    assert not re.search(r"_(ms|millis|milliseconds|minutes|kb|mb|mib|percent)(_|$)", name), "base units only"
    assert not name.endswith(("_total", "_count", "_sum", "_bucket")), "the client adds these"
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in metric._labelnames)
    assert metric._documentation
    assert not metric._documentation.endswith(".")
    if "(s)" in metric._documentation or "(s " in metric._documentation:
        assert name.endswith("_seconds")


@pytest.mark.parametrize(("module", "variable", "metric"), ALL)
def test_something_sets_it(module: ModuleType, variable: str, metric: Metric) -> None:
    source = Path(module.__file__ or "")
    readers = source.parent.rglob("*.py") if module is sink_metrics else STREAMS.rglob("*.py")
    used = re.compile(rf"\bmetrics\.{variable}\b")
    assert any(used.search(path.read_text()) for path in readers if path != source)


def test_names_are_unique() -> None:
    names = [str(metric._name) for module in (worker_metrics, sink_metrics) for _, metric in catalogue(module)]
    assert len(set(names)) == len(names)
    assert worker_metrics.names() == sorted(str(metric._name) for _, metric in catalogue(worker_metrics))
