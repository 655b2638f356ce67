"""Programs with a known, usual mistake, which the harness must find."""
