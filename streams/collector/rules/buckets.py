"""Token buckets: so much at once, so much a second, for each key (an address, a user).

A key is one number: the time at which its bucket is full again (the "theoretical arrival time" of the generic cell rate
algorithm, ITU-T I.371). A full bucket needs no entry, so keys that come rarely are forgotten without any loss.

The number of keys is bounded, and whoever has many addresses can fill it. Least recently used would then forget whoever
was refused last, for the price of one request an address. Here the key whose bucket is full soonest is forgotten: to be
rid of a debt of n requests, all others must owe n requests each.
"""

from heapq import heappop, heappush, heapreplace

# Forgotten at each new key if their buckets are full: more than one, so that the number of keys falls again.
_SWEPT = 2
# Below this a wait is noise of adding floats (s).
_NO_WAIT = 1e-6


class Buckets:
    """Buckets of `burst` tokens that refill at `rate` tokens/s, for at most `most` keys that have less than that."""

    def __init__(self, rate: float, burst: float, most: int) -> None:
        self.rate, self.burst, self.most = rate, burst, most
        self.forgotten = 0  # keys that still owed something
        self._full_at: dict[str, float] = {}
        # Each key once, by a time that may be too early: a key that took more meanwhile is found when it is first.
        self._soonest: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, amount: float, now: float) -> float:
        """Take `amount` tokens and return 0, or take none and return the seconds after which it would succeed.

        An amount above the burst needs a full bucket and leaves a debt, so that it is possible, and paid for. `now` is
        in seconds, by a clock that doesn't go back.
        """
        known = self._full_at.get(key)
        full_at = now if known is None or known < now else known
        wait = full_at + (min(amount, self.burst) - self.burst) / self.rate - now
        if wait > _NO_WAIT:
            return wait
        if amount > 0:
            if known is None:
                self._make_room(now)
                heappush(self._soonest, (full_at, key))
            self._full_at[key] = full_at + amount / self.rate
        return 0.0

    def _make_room(self, now: float) -> None:
        swept = 0
        while self._soonest and swept < _SWEPT:
            at, key = self._soonest[0]
            full_at = self._full_at[key]
            if full_at > at:
                heapreplace(self._soonest, (full_at, key))
            elif full_at <= now or len(self._full_at) >= self.most:
                heappop(self._soonest)
                del self._full_at[key]
                self.forgotten += full_at > now
                swept += 1
            else:
                return
