"""The demo: a real impression log with seeded faults, and an independent recount of what must come of it."""
