"""A worker's metrics show what it decided, and cover exactly the partitions that it holds."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.metrics import catalogue as metrics
from tests.support.load import PARTITIONS, Raw, at_home, flush, impression, now_ms
from tests.support.stack import Installation
from tests.support.wait import until
from tests.support.worker import WorkerProcess
from tools import metrics_page

pytestmark = pytest.mark.integration

SECONDS = 60.0
HOUR_MS = 3_600_000
OF_A_PARTITION = ("impressions_worker_position", "impressions_worker_lag_seconds", "impressions_worker_state_bytes")

OUTCOMES = "impressions_worker_impressions_total"

Samples = dict[tuple[str, str], float]


def user_flush(user_id: str, artwork_id: str) -> Raw:
    return at_home(user_id, flush(user_id, [impression(artwork_id, now_ms())]))


def samples(worker: WorkerProcess) -> Samples:
    """By name and the value of its only label."""
    families = text_string_to_metric_families(worker.metrics())
    found = (sample for family in families for sample in family.samples)
    return {(each.name, next(iter(each.labels.values()), "")): each.value for each in found}


def partitions(worker: WorkerProcess, name: str) -> list[str]:
    return sorted(label for found, label in samples(worker) if found == name)


def test_a_worker_reports_what_it_decided(installation: Installation) -> None:
    worker = installation.only_worker(chunk_records=21)
    now = now_ms()
    mixed = [
        impression("a0001", now),
        impression("a0002", now - 2_000),
        impression("a0001", now),
        impression("a0001", now - HOUR_MS),
        impression("a0003", now + HOUR_MS),
    ]
    installation.produce([at_home("counted", flush("counted", mixed)), user_flush("counted-too", "a0004")])
    installation.audit.settle()
    until(lambda: samples(worker)["impressions_worker_received_total", ""] == 6, SECONDS, "everything is counted")

    found = samples(worker)
    of_outcomes = {label: value for (name, label), value in found.items() if name == OUTCOMES}
    assert of_outcomes == {"fresh": 3, "repeat": 1, "duplicate": 1, "rejected": 1, "forwarded": 0}
    assert found["impressions_worker_rejected_total", "future"] == 1
    assert found["impressions_worker_batches_total", "partial"] == 1
    assert found["impressions_worker_batches_total", "whole"] == 1
    assert found["impressions_worker_seen_to_accepted_seconds_count", ""] == 4
    assert found["impressions_worker_seen_to_accepted_seconds_sum", ""] >= 2 + HOUR_MS / 1000
    assert found["impressions_worker_seen_to_coverage_seconds_count", ""] == 3
    assert found["impressions_pool_artworks", "main"] > 0
    assert found["faust_total_events_total", ""] >= 1, "Faust's own sensor"


def test_a_worker_exports_all_of_its_own_metrics(installation: Installation) -> None:
    text = installation.only_worker().metrics()
    for metric in metrics_page.of(metrics.WORKER):
        assert f"# TYPE {metrics_page.exported(metric)} " in text
    assert "impressions_sink_" not in text


def test_a_partitions_metrics_move_with_the_partition(installation: Installation) -> None:
    first = installation.only_worker(chunk_records=20)
    installation.produce([user_flush(f"holder-{n}", "a0001") for n in range(40)])
    installation.audit.settle()
    until(
        lambda: all(len(partitions(first, name)) == PARTITIONS for name in OF_A_PARTITION), SECONDS, "of each partition"
    )
    assert all(value == 0 for (name, _), value in samples(first).items() if name == "impressions_worker_lag_seconds")
    assert all(value > 0 for (name, _), value in samples(first).items() if name == "impressions_worker_state_bytes")

    second = installation.worker(1, chunk_records=20)
    until(lambda: (first.partitions(), second.partitions()) == (2, 2), SECONDS, "both have partitions")
    held = [partitions(each, "impressions_worker_lag_seconds") for each in (first, second)]
    assert sorted(held[0] + held[1]) == [str(number) for number in range(PARTITIONS)]
    assert set(partitions(first, "impressions_worker_position")) <= set(held[0])
    second.stop()
