"""What every librdkafka client of ours has in common."""

# How long a client may be without any metadata before it begins again with the bootstrap servers (ms). A broker that
# stood still (a pause of its machine) may answer with no brokers at all while it is fenced; a client that believes
# that has nobody left to ask, and by default stands still for five minutes (docs/upstream/librdkafka_no_brokers.py).
REBOOTSTRAP_MS = 10_000


def connection(bootstrap: str) -> dict[str, str | int | float | bool]:
    """Return the part of a client's configuration that says where the brokers are."""
    return {"bootstrap.servers": bootstrap, "metadata.recovery.rebootstrap.trigger.ms": REBOOTSTRAP_MS}
