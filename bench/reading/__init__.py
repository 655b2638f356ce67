"""What it costs the collector to read a body."""
