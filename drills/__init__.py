"""Drills: faults of a whole installation, played end to end."""
