"""The identity of an accepted impression (CONTRACT §4.4)."""

from hashlib import sha256


def event_id(user_id: str, artwork_id: str, seen_at: int, window_ms: int) -> str:
    """Return 32 hex digits: the first 128 bits of SHA-256 over user, artwork and window number.

    Each of the three, as UTF-8, is preceded by its length in bytes as a 4-byte big-endian integer. Two accepted
    impressions can't share it: within one window of a user and artwork only one is accepted.
    """
    digest = sha256()
    for part in (user_id.encode(), artwork_id.encode(), b"%d" % (seen_at // window_ms)):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()[:32]
