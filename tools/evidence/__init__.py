"""The tables of docs/evidence, written from bench/results: `python -m tools.evidence`."""
