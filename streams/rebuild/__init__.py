"""Makes the worker's state again from ClickHouse, where the changelogs were lost."""
