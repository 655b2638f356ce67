"""The colours of the dashboards, each with one meaning.

Green, orange and red say how well something is: only a threshold, a state or a fault has them. What merely has a name
(a pool, a partition, an outcome) gets one of HUES instead. Grafana's own palettes begin with green, yellow and orange,
and the shades of its only other one can't be told apart, so a series without a colour of its own gets the hue of its
name's last character: the same one on every panel, whatever is drawn beside it.
"""

# Grafana's own names have a tone for the dark and one for the light theme; the others are readable on both.
GOOD, MISSED, BAD, PLAIN = "green", "orange", "red", "blue"
QUIET = "#8e8e8e"
HUES = (
    *("blue", "purple", "#1fa3b8", "#a9795b", "#d65db1"),
    *("dark-blue", "light-purple", "#0f7c90", "#c4a184", "#e08cc4"),
)
# An outcome has the same colour everywhere. Rejected is a fault by itself; a duplicate is what retries are for.
OUTCOMES = {
    "fresh": "blue",
    "accepted": "blue",
    "repeat": "purple",
    "duplicate": "#1fa3b8",
    "duplicates": "#1fa3b8",
    "forwarded": QUIET,
    "rejected": BAD,
}
# The series that are faults, whatever their value: any of it is bad.
FAULTS = {"rejected", "failed", "failed attempts", "dropped", "set aside", "all errors", "failed by us"}
PERCENTILES = {"P50": "#1fa3b8", "P95": "blue", "P99": "purple"}
TRANSPORTS = dict(zip(("fetch", "beacon", "keepalive", "sdk", "replay"), HUES, strict=False)) | {"sync": QUIET}
TOPICS = {
    "impressions.accepted.v1": HUES[0],
    "impressions.ledger.v1": HUES[1],
    "impressions.rejected.v1": HUES[2],
    "artworks.v1": HUES[3],
}
TABLES = {
    "impressions_raw": HUES[0],
    "user_artworks_raw": HUES[4],
    "artwork_users_raw": QUIET,
    "ledger_raw": HUES[1],
    "rejected_raw": HUES[2],
    "artworks_raw": HUES[3],
}
# Families of clients, the most common of them: the others have the hue of their name.
CLIENTS = dict(
    zip(
        ("chrome", "safari", "firefox", "edge", "samsung", "android", "ios", "python", "node", "java"),
        HUES,
        strict=True,
    )
) | {"other": QUIET, "not given": "#b0b0b0"}
TOO_MUCH = dict(
    zip(
        ("header_bytes", "header_time", "body_bytes", "inflated_bytes", "flushes", "body_time", "piece_time"),
        HUES,
        strict=False,
    )
)
NOT_NOW = dict(
    zip(
        ("http", "encoding", "media_type", "unreadable", "origin", "forbidden", "limit", "budget", "unacknowledged"),
        HUES,
        strict=False,
    )
)
TOKEN_FAILURES = dict(
    zip(
        (
            *("missing", "malformed", "algorithm", "key", "signature"),
            *("claims", "early", "expired", "origin", "user"),
        ),
        HUES,
        strict=False,
    )
)
ENDS = dict(zip(("closed", "reset", "idle", "header_time", "body_time", "limit"), HUES, strict=False))
CALLS = dict(zip(("coverage", "unseen", "prefetch", "history", "favourites", "config"), HUES, strict=False))
ROUTES = dict(zip(("impressions", "preflight", "read", "recorder", "health", "docs", "other"), HUES, strict=False))
REASONS = dict(zip(("malformed", "invalid", "oversize", "future", "late"), HUES, strict=False))
