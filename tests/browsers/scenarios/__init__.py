"""The scenarios: each module in this folder declares its own (`tests/browsers/scenario.py` explains how)."""
