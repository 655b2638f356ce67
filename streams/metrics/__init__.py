"""What processes export to Prometheus: one closed catalogue, and a histogram that observes many values at once."""
