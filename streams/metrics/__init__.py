"""What processes export to Prometheus: one closed catalogue, and the histogram that counts many values at once."""
