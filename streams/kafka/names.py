"""The names of the topics and groups (contract §2). topics.yaml describes each topic."""

IMPRESSIONS = "impressions.v1"
ACCEPTED = "impressions.accepted.v1"
LEDGER = "impressions.ledger.v1"
REJECTED = "impressions.rejected.v1"
COVERAGE = "coverage.v1"
ARTWORKS = "artworks.v1"

WORKER_GROUP = "impressions"
SINK_GROUP = "impressions-sink"


def changelog(table: str) -> str:
    """Return the changelog topic of a worker's table, named as Faust does."""
    return f"{WORKER_GROUP}-{table}-changelog"
