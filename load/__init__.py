"""Virtual users who record impressions over HTTP, and the check that each of them arrived; not part of the wheel."""
