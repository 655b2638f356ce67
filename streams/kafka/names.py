"""The names of the topics and groups (contract §2). What each one is stands in topics.yaml."""

IMPRESSIONS = "impressions.v1"
ACCEPTED = "impressions.accepted.v1"
LEDGER = "impressions.ledger.v1"
REJECTED = "impressions.rejected.v1"
COVERAGE = "coverage.v1"
ARTWORKS = "artworks.v1"

WORKER_GROUP = "impressions"
SINK_GROUP = "impressions-sink"


def changelog(table: str) -> str:
    """The changelog topic of a worker's table, named as Faust names it."""
    return f"{WORKER_GROUP}-{table}-changelog"
