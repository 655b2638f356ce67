"""The worker: decides impressions, one partition a state, one transaction a chunk."""
