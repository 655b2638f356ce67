"""Metrics of what a process can't reach, read or take."""

from prometheus_client import Gauge

from streams.metrics.base import PARTITION, PARTITION_KIND, SINK, WORKER

untaken = Gauge(
    "impressions_worker_partitions_untaken",
    "1 for each source partition that is assigned to this worker and that it can't take, by kind: wait (it is tried "
    "again and again) or refuse (a person must act, and then restart the worker); `/readyz` says why",
    PARTITION_KIND,
    registry=WORKER,
)
catalogue_behind = Gauge(
    "impressions_worker_catalogue_behind_seconds",
    "How long a source partition has waited for an artwork that its users have seen and that artworks.v1 doesn't have "
    "(s): one that another worker has just read passes at once, one that the topic has lost never does",
    PARTITION,
    registry=WORKER,
)
source_unreadable_offsets = Gauge(
    "impressions_source_unreadable_offsets",
    "Offsets at a source partition's end that can't be read yet, since a producer's transaction is open before them",
    PARTITION,
    registry=WORKER,
)
source_unreadable_seconds = Gauge(
    "impressions_source_unreadable_seconds",
    "How long the same open transaction has kept a source partition's end from being read (s); 0: none is open",
    PARTITION,
    registry=WORKER,
)
worker_broker_away = Gauge(
    "impressions_broker_away_seconds", "How long no broker has answered (s); 0 while one answers", registry=WORKER
)
sink_broker_away = Gauge(
    "impressions_broker_away_seconds", "How long no broker has answered (s); 0 while one answers", registry=SINK
)
