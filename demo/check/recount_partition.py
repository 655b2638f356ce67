"""The recount's own murmur2: which partition a user's flushes belong in (contract section 2)."""

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def partition_of(user_id: str, partitions: int) -> int:
    """Return the partition that Kafka's Java clients choose for the key `user_id`.

    Source: org.apache.kafka.common.utils.Utils.murmur2 and toPositive (the sign bit is cleared).
    """
    return (_murmur2(user_id.encode("utf-8")) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    h = _SEED ^ len(data)
    whole = len(data) - len(data) % 4
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        k = (k ^ k >> 24) * _M & _MASK
        h = h * _M & _MASK ^ k
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15
