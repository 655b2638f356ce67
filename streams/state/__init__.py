"""The state of one source partition: its tables, its position, and the stores that keep them."""
