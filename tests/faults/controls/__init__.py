"""Programs with a common mistake, which the harness must find."""
