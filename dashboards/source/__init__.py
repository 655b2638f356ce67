"""Grafana's dashboards as code: `python -m dashboards.source` writes dashboards/grafana/dashboards."""

import warnings

# Grafana still reads its older, plain JSON from files; the SDK warns and recommends its newer schema.
warnings.filterwarnings("ignore", message="Prefer using dashboardv2", category=DeprecationWarning)
