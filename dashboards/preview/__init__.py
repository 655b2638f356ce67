"""Every dashboard drawn with Grafana's own components from its own JSON and queries, without a Grafana.

Python runs the queries (as Grafana's backend does) and serves the page; `src/` draws; Chromium takes the pictures.
"""
