"""Whether a process is ready, and what it says if it isn't."""

from prometheus_client import CollectorRegistry, Gauge

from streams.runtime.health import Health


def health(ready: int) -> Health:
    gauge = Gauge("ready", "-", registry=CollectorRegistry())
    gauge.set(ready)
    return Health(gauge)


def test_its_gauge_decides() -> None:
    assert health(1).why_not_ready() is None
    assert health(1).ready
    assert health(0).why_not_ready() == "not ready"
    assert not health(0).ready


def test_every_reason_is_named_and_none_is_remembered() -> None:
    found, reasons = health(1), {"broker": "No broker.", "partition": "No partition."}
    found.checks += [lambda: reasons.get("broker"), lambda: reasons.get("partition")]
    assert found.why_not_ready() == "No broker. No partition."
    assert not found.ready
    reasons.pop("broker")
    assert found.why_not_ready() == "No partition."
    reasons.clear()
    assert found.ready
