"""Exact, real-time impression recording as a stream: Kafka, Faust, ClickHouse."""

__version__ = "0.2.0"
