"""Three faults on the real stack, as metrics, alerts and dashboards show them."""
