"""What the catalogue's metrics are made of: each process's registry, and the labels."""

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

WORKER, SINK, COLLECTOR = CollectorRegistry(), CollectorRegistry(), CollectorRegistry()
for _registry in (WORKER, SINK, COLLECTOR):
    ProcessCollector(registry=_registry)
    PlatformCollector(registry=_registry)
    GCCollector(registry=_registry)

# Every label is bounded.
PARTITION = ("partition",)  # of impressions.v1: as many as the worker holds
PARTITION_KIND = ("partition", "kind")  # and `wait` or `refuse`
TOPIC_PARTITION = ("topic", "partition")  # of four topics: as many as the sink holds
TRANSPORT = ("transport",)  # the six of a flush
TABLE = ("table",)  # the sink's
POOL = ("pool",)  # at most POOLS of them, see `pool_label`
POOL_COVERAGE = ("pool", "coverage")  # we choose the coverages
STATE = ("state",)  # three of them
CERTIFICATE = ("certificate",)  # of the brokers, ClickHouse, and their authorities
# The collector's are a few words each, listed with its metrics; a status is one that it answers with.
ROUTE = ("route",)
ROUTE_STATUS = ("route", "status")
CALL = ("call",)
CALL_STATUS = ("call", "status")
FORM = ("form",)  # `sent` or `inflated`
KIND = ("kind",)
OUTCOME = ("outcome",)
REASON = ("reason",)

# Pools with their own label; later ones share `other`.
POOLS = 100
