"""How fast the read API answers."""
