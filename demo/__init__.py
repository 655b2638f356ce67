"""The demo: a real impression log with seeded faults, held against an independent recount of what must come of it."""
