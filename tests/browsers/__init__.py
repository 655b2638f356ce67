"""The browser matrix: real browsers, a real collector, worker and ClickHouse, and a ledger (`scenario.py` explains)."""
