"""The metrics of committed chunks."""

import pytest
from prometheus_client import CollectorRegistry

from streams.core import rows
from streams.core.chunk import Decider, Outputs, SourceRecord
from streams.core.decode import RefusedLine
from streams.core.line import Line
from streams.core.summary import MOST_REPORTED, Delivery, Summary
from streams.metrics import catalogue as metrics
from streams.worker import observe
from tests.support.flushes import A, catalogue_of, decider, impression, line

MIXED = [
    impression(impression_id="i1", artwork_id="a1"),
    impression(impression_id="i2", artwork_id="a2", seen_at=A - 2_000),
    impression(impression_id="i3", artwork_id="a1"),  # a duplicate
    impression(impression_id="i4", artwork_id="a1", seen_at=A - 700_000),  # a repeat
    impression(impression_id="i5", seen_at=A + 400_000),  # in the future
    impression(impression_id=""),  # invalid
]
TELEMETRY = {"attempts": 3, "failures": 2, "queued": 1, "dropped": 4}


def decided(*values: bytes, **fields: int) -> Outputs:
    catalogue = catalogue_of(
        a1={"pool_id": "p", "ordinal": 1}, a2={"pool_id": "p", "ordinal": 2}, a3={"pool_id": "p", "ordinal": 3}
    )
    made: Decider = decider(catalogue, **fields)
    return made.decide([SourceRecord(17 + n, A, value) for n, value in enumerate(values)], now=A + 5)


def test_a_summary_counts_every_outcome() -> None:
    summary = decided(
        line(impressions=MIXED, transport="beacon", telemetry=TELEMETRY),
        line(flush_id="f2", impressions=[impression(impression_id="i9", artwork_id="a3")], telemetry=TELEMETRY),
        line(flush_id="f3", impressions=[impression(seen_at=A + 400_000)]),
        b"nothing",
    ).summary
    total = summary.total
    assert (total.received, total.accepted, total.fresh, total.duplicates, total.rejected) == (9, 4, 3, 1, 4)
    assert (summary.whole, summary.partial, summary.refused, summary.forwarded) == (1, 1, 2, 0)
    assert summary.sizes == [6, 1, 1, 1]
    assert summary.reasons == {"future": 2, "invalid": 1, "malformed": 1}
    assert summary.deliveries == {"beacon": Delivery(3, 2, 4), "sdk": Delivery(3, 2, 4)}
    assert sorted(summary.seen_at) == [A - 700_000, A - 2_000, A, A]
    assert sorted(summary.fresh_seen_at) == [A - 2_000, A, A]
    assert summary.coverage == [("p", 1.0)]


def test_a_line_counts_for_no_more_than_a_producer_can_honestly_report() -> None:
    most = 2**53 - 1
    lines = [line(telemetry=dict.fromkeys(TELEMETRY, most)), line(telemetry={"attempts": 2, "failures": most})]
    summary = decided(*lines).summary
    assert summary.deliveries == {"sdk": Delivery(MOST_REPORTED + 2, MOST_REPORTED + 2, MOST_REPORTED)}


def test_a_row_of_several_lines_counts_as_so_many_batches(sample: "Sample") -> None:
    whole = rows.ledger_refused(Line("t", 0, 0, 1_000, A, b""), RefusedLine("malformed", "no"), A)
    whole.lines = whole.received = whole.rejected = 7
    summary = Summary()
    summary.add([], [whole])
    observe.observe_summary(summary, A / 1000)
    assert (summary.total.lines, summary.total.received, summary.total.rejected) == (7, 7, 7)
    assert sample("impressions_worker_batches_total", outcome="rejected") == 7
    assert sample("impressions_worker_batch_impressions_count") == 7
    assert sample("impressions_worker_batch_impressions_sum") == 7


def test_a_line_of_another_partition_is_counted_where_it_is_judged() -> None:
    # u1 belongs to another of the many partitions.
    summary = decided(line(telemetry=TELEMETRY), partitions=1_000).summary
    assert (summary.forwarded, summary.total.forwarded, summary.total.received) == (1, 1, 1)
    assert not summary.sizes
    assert not summary.deliveries


@pytest.fixture
def sample() -> "Sample":
    return Sample(metrics.WORKER)


class Sample:
    """How much a sample has grown since the test began: the registry is shared by the process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._before = self._read()

    def _read(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        found = (sample for metric in self._registry.collect() for sample in metric.samples)
        return {(each.name, tuple(sorted(each.labels.items()))): each.value for each in found}

    def __call__(self, name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return self._read().get(key, 0.0) - self._before.get(key, 0.0)


def test_outcomes_add_up_to_the_impressions_received(sample: Sample) -> None:
    summary = decided(line(impressions=MIXED, transport="beacon", telemetry=TELEMETRY), b"nothing").summary
    observe.observe_summary(summary, A / 1000 + 1)
    outcomes = {
        outcome: sample("impressions_worker_impressions_total", outcome=outcome)
        for outcome in ("fresh", "repeat", "duplicate", "rejected", "forwarded")
    }
    assert outcomes == {"fresh": 2, "repeat": 1, "duplicate": 1, "rejected": 3, "forwarded": 0}
    assert sample("impressions_worker_received_total") == sum(outcomes.values())
    assert sample("impressions_worker_rejected_total", reason="malformed") == 1
    assert sample("impressions_worker_batches_total", outcome="partial") == 1
    assert sample("impressions_worker_batches_total", outcome="rejected") == 1
    assert sample("impressions_worker_batch_impressions_count") == 2
    assert sample("impressions_worker_delivery_attempts_total", transport="beacon") == 3
    assert sample("impressions_worker_delivery_failures_total", transport="beacon") == 2
    assert sample("impressions_worker_producer_dropped_total", transport="beacon") == 4
    assert sample("impressions_worker_seen_to_accepted_seconds_count") == 3
    assert sample("impressions_worker_seen_to_accepted_seconds_sum") == 1 + 3 + 701
    assert sample("impressions_worker_seen_to_coverage_seconds_sum") == 1 + 3
    assert sample("impressions_worker_coverage_ratio_bucket", pool="p", le="0.7") == 1
    assert sample("impressions_worker_coverage_ratio_bucket", pool="p", le="0.6") == 0


def test_a_partition_given_back_leaves_no_metrics() -> None:
    metrics.worker_position.labels("77").set(5)
    metrics.worker_lag_seconds.labels("77").set_function(lambda: 1.0)
    observe.forget(77)
    observe.forget(77)
    samples = (sample for metric in metrics.WORKER.collect() for sample in metric.samples)
    assert not [each for each in samples if each.labels.get("partition") == "77"]


def test_counters_exist_before_anything_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    # Prometheus sees no increase in a counter that first appears with a value: the first flood would go unnoticed.
    for metric in (metrics.worker_rejected, metrics.worker_impressions, metrics.worker_delivery_failures):
        monkeypatch.setattr(metric, "_metrics", {})
    observe.begin()
    assert {labels[0] for labels in metrics.worker_rejected._metrics} == {
        "malformed",
        "oversize",
        "invalid",
        "future",
        "late",
    }
    assert len(metrics.worker_impressions._metrics) == 5
    assert len(metrics.worker_delivery_failures._metrics) == 6
