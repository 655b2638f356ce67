"""Writers of generated files: schemas/, docs/flow.svg, pages of docs/reference and docs/guarantee, docs/evidence."""
