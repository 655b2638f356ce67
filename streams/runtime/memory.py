"""Gives memory back to the system."""

import ctypes


def give_back() -> None:
    """Give back what was freed. glibc keeps it, in pieces that the next large value doesn't fit into.

    Does nothing where the C library has no such call, as on macOS.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
