"""One source partition's state: its tables, its position, and the stores that keep them."""
