"""What writes generated files: schemas/, docs/reference/metrics.md, docs/flow.svg."""
