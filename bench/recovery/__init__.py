"""How a worker with much state comes back."""
