"""The demo: a real impression log with seeded faults, compared row by row with an independent recount."""
