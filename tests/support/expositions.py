"""What workers and sinks answer on /metrics, made of numbers."""

import time
from collections.abc import Mapping

from streams.top.samples import parse
from streams.top.target import Answer, Target

Values = Mapping[str, float]


def text(values: Values) -> str:
    """The exposition of these samples, each named as in PromQL."""
    return "".join(f"{name} {value}\n" for name, value in values.items())


def worker(received: float, **more: float) -> dict[str, float]:
    """A worker that has received so many impressions, a tenth of them duplicates and one in a hundred rejected."""
    outcomes = {"fresh": 0.8, "repeat": 0.09, "duplicate": 0.1, "rejected": 0.01, "forwarded": 0.0}
    found = {
        "impressions_worker_ready": 1.0,
        "impressions_worker_stalled": 0.0,
        "impressions_worker_received_total": received,
        "impressions_worker_lines_total": received / 5,
        'impressions_worker_rejected_total{reason="late"}': received * 0.01,
        'impressions_worker_rejected_total{reason="future"}': 0.0,
        "process_cpu_seconds_total": received / 1_000,
        "process_resident_memory_bytes": 300.0 * 1024**2,
        "process_start_time_seconds": time.time() - 3_600,
        'impressions_pool_artworks{pool="main"}': 80.0,
        "impressions_uncatalogued_artworks": 0.0,
    }
    found |= {
        f'impressions_worker_impressions_total{{outcome="{name}"}}': received * share
        for name, share in outcomes.items()
    }
    for number in range(4):
        found[f'impressions_worker_lag{{partition="{number}"}}'] = 10.0 * number
        found[f'impressions_worker_lag_seconds{{partition="{number}"}}'] = 0.5 * number
    for bound, count in (("0.1", 0.5), ("1.0", 1.0), ("+Inf", 1.0)):
        found[f'impressions_worker_latency_seconds_bucket{{le="{bound}"}}'] = received * count
    return found | more


def sink(rows: float, **more: float) -> dict[str, float]:
    """A sink that has inserted so many rows."""
    found = {
        "impressions_sink_ready": 1.0,
        "impressions_sink_stalled": 0.0,
        "impressions_sink_waiting": 0.0,
        'impressions_sink_rows_total{table="impressions_raw"}': rows,
        'impressions_sink_errors_total{code="unreachable"}': 0.0,
        'impressions_sink_lag{topic="impressions.accepted.v1",partition="2"}': 7.0,
        'impressions_sink_lag{topic="impressions.ledger.v1",partition="2"}': 9.0,
        'impressions_sink_lag_seconds{topic="impressions.ledger.v1",partition="2"}': 75.0,
        'impressions_kpi_users{pool="main"}': 400.0,
        'impressions_kpi_active_users{pool="main"}': 300.0,
        'impressions_kpi_freshness_ratio{pool="main"}': 0.75,
        'impressions_kpi_exhausted_ratio{pool="main"}': 0.02,
        "impressions_kpi_duplicates_seen": 0.0,
        "impressions_kpi_computed_timestamp_seconds": time.time(),
        "process_cpu_seconds_total": 1.0,
        "process_resident_memory_bytes": 1e8,
        "process_start_time_seconds": time.time() - 60,
    }
    return found | more


def answer(name: str, at: float, values: Values | None, unreachable: str = "", not_ready: str = "") -> Answer:
    """A process's answer at a time (s, monotonic); None is none."""
    samples = None if values is None else parse(text(values))
    return Answer(Target(name, "127.0.0.1", 9101), at, samples, unreachable, not_ready)
