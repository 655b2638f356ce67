"""Drills: what happens to a whole installation, played end to end."""
