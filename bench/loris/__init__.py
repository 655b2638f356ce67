"""What others get of a collector beside connections that are slow."""
