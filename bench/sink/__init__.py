"""The sink, on a backlog and as records arrive."""
