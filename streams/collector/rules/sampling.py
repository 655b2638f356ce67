"""Which flushes are logged: every failure, and a share of the successes that is the same everywhere."""

from zlib import crc32

_RANGE = 2**32


def keeps(flush_id: str, share: float) -> bool:
    """Say whether a flush that succeeded is logged; `share` is from 0 to 1.

    By CRC-32 of its id, which every language has at hand: a flush is then logged by every process that it passes, or by
    none. A larger share keeps everything that a smaller one keeps.
    """
    return crc32(flush_id.encode()) < share * _RANGE
