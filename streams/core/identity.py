"""The identity of an accepted impression (contract §4.4)."""

from hashlib import sha256

# Characters, all ASCII.
LONGEST_ID = 128

# Lengths as they precede what they count: a Latin-1 character is a byte.
_LENGTHS = [f"\0\0\0{chr(length)}" for length in range(LONGEST_ID + 1)]
# Window numbers with their lengths: almost all impressions are of a few windows.
_NUMBERS: dict[int, str] = {}
_MOST_NUMBERS = 1_000


def event_id(user_id: str, artwork_id: str, seen_at: int, window_ms: int) -> str:
    """Return 32 hex digits: the first 128 bits of SHA-256 over user, artwork and window number.

    Each of the three, as UTF-8, is preceded by its length in bytes as a 4-byte big-endian integer. Two accepted
    impressions can't share it: within one window of a user and artwork only one is accepted.
    """
    number = seen_at // window_ms
    end = _NUMBERS.get(number) or _kept(number)
    text = f"{_LENGTHS[len(user_id)]}{user_id}{_LENGTHS[len(artwork_id)]}{artwork_id}{end}"
    return sha256(text.encode("latin-1")).digest()[:16].hex()


def _kept(number: int) -> str:
    if len(_NUMBERS) >= _MOST_NUMBERS:
        _NUMBERS.clear()
    digits = str(number)
    text = _NUMBERS[number] = _LENGTHS[len(digits)] + digits
    return text
