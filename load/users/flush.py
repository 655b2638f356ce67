"""The ids and bytes of what users send."""

from collections.abc import Sequence

from load.users.plan import artwork_id

# The second field of a UUIDv7 (12 bits) tells ids of impressions from ids of flushes.
OF_IMPRESSIONS, OF_FLUSHES = 1, 2
# What the users' browsers would say they are.
CLIENTS = ("chromium-156", "firefox-153", "safari-27")


def uuid7(at_ms: int, kind: int, user: int, number: int) -> str:
    """Return a UUIDv7 whose random bits are a user (30 bits) and the number of something of that user's (32 bits).

    Nothing but these numbers has to be kept to know it again.
    """
    value = at_ms << 80 | 7 << 76 | kind << 64 | 2 << 62 | user << 32 | number
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def impression_json(user: int, number: int, artwork: int, seen_at: int, pool: str) -> str:
    """Return the `number`-th impression of a user, seen at a time (ms), with all that a recorder adds."""
    return (
        f'{{"impression_id":"{uuid7(seen_at, OF_IMPRESSIONS, user, number)}","artwork_id":"{artwork_id(artwork)}",'
        f'"seen_at":{seen_at},"pool_id":"{pool}","dwell_ms":1200,"visible":0.8,"position":{number % 50},'
        f'"surface":"gallery"}}'
    )


def flush_json(
    user: int, user_id: str, number: int, sent_at: int, reason: str, impressions: Sequence[str], *, queued: int
) -> bytes:
    """Return the `number`-th flush of a user as a line without its end; `sent_at` in ms."""
    return (
        f'{{"v":1,"flush_id":"{uuid7(sent_at, OF_FLUSHES, user, number)}","user_id":"{user_id}",'
        f'"session_id":"s-{user_id}","sent_at":{sent_at},"transport":"fetch","reason":"{reason}","tier":"free",'
        f'"client":"{CLIENTS[user % len(CLIENTS)]}",'
        f'"impressions":[{",".join(impressions)}],'
        f'"telemetry":{{"attempts":1,"failures":0,"queued":{queued},"dropped":0}}}}'
    ).encode()
