"""The partition of a user: murmur2 as Kafka's Java clients compute it (contract §2)."""

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the hash, 0 to 2^32 - 1: 32-bit MurmurHash2 over little-endian words, with Kafka's seed."""
    value = _SEED ^ len(data)
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        word = (word ^ word >> 24) * _M & _MASK
        value = (value * _M & _MASK) ^ word
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    value = (value ^ value >> 13) * _M & _MASK
    return value ^ value >> 15


def home_of(user_id: str, partitions: int) -> int:
    """Return the partition that the user's impressions belong in."""
    return (murmur2(user_id.encode()) & 0x7FFFFFFF) % partitions
