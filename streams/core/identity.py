"""The identity of an accepted impression (contract §4.4)."""

from hashlib import sha256


def event_id(user_id: str, artwork_id: str, seen_at: int, window_ms: int) -> str:
    """Return 32 hex digits: the first 128 bits of SHA-256 over user, artwork and window number.

    Each of the three, as UTF-8, is preceded by its length in bytes as a 4-byte big-endian integer. Two accepted
    impressions can't share it: within one window of a user and artwork only one is accepted.
    """
    number = str(seen_at // window_ms)
    # Ids are ASCII, at most 128 characters: a length is one Latin-1 byte after three zero bytes.
    text = f"\0\0\0{chr(len(user_id))}{user_id}\0\0\0{chr(len(artwork_id))}{artwork_id}\0\0\0{chr(len(number))}{number}"
    return sha256(text.encode("latin-1")).hexdigest()[:32]
