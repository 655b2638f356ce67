"""Rebuilds the worker's state from ClickHouse after its changelogs were lost."""
