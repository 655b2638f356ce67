"""The sink, from a backlog and as records arrive."""
