"""How a worker with much state recovers."""
