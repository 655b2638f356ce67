"""Throughput from a backlog, ours beside its peers."""
