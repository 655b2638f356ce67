"""The worker: decides impressions, with one state per partition and one transaction per chunk."""
