"""The site whose pages record: on an origin of its own, with a strict Content-Security-Policy."""
