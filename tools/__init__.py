"""What writes generated files: schemas/, docs/metrics.md, docs/flow.svg."""
