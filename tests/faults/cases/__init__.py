"""The matrix: importing this declares every case."""

from tests.faults.cases import (
    broker,
    clickhouse,
    commands,
    deciding,
    disk,
    groups,
    hurtful,
    inputs,
    logs,
    settings,
    silence,
    sink,
    stores,
    takeover,
    topics,
    worker,
)

__all__ = [
    "broker",
    "clickhouse",
    "commands",
    "deciding",
    "disk",
    "groups",
    "hurtful",
    "inputs",
    "logs",
    "settings",
    "silence",
    "sink",
    "stores",
    "takeover",
    "topics",
    "worker",
]
