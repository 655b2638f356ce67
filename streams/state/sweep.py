"""Removes a range of keys bit by bit, without walking its own tombstones."""

from itertools import islice

from streams.state.store import Store


class Sweep:
    """Lists the keys to remove, in order. What was listed must be removed, and nothing be written there again."""

    def __init__(self, store: Store, start: bytes) -> None:
        self._store = store
        # Before this key there are only tombstones, which an iterator would walk one by one.
        self._from = start
        # The range is empty up to here.
        self._done = start

    def keys(self, stop: bytes, most: int) -> list[bytes]:
        """Return the next keys before `stop`, at most `most`."""
        if stop <= self._done:
            return []
        found = list(islice(self._store.keys(self._from, stop), most))
        if len(found) < most:
            self._done = stop
        if found:
            self._from = found[-1] + b"\x00"
        return found
