"""Grafana's dashboards as code: `python -m dashboards.source` writes dashboards/grafana/dashboards."""

import warnings

# Grafana reads its older, plain JSON from files as well as before; the SDK would rather have its newer schema used.
warnings.filterwarnings("ignore", message="Prefer using dashboardv2", category=DeprecationWarning)
