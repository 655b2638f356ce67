"""Throughput on a backlog: our worker and its peers."""
