"""The matrix: importing this declares every case."""

from tests.faults.cases import broker, clickhouse, disk, groups, inputs, logs, sink, worker

__all__ = ["broker", "clickhouse", "disk", "groups", "inputs", "logs", "sink", "worker"]
