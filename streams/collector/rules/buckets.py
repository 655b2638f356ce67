"""Token buckets: so much at once, so much a second, for each key (an address, a user).

A key is one number: the time at which its bucket is full again (the "theoretical arrival time" of the generic cell rate
algorithm, ITU-T I.371). A full bucket needs no entry, so keys that come rarely are forgotten without any loss.

The number of keys is bounded, and whoever has many addresses can fill it. Least recently used would then forget whoever
was refused last, for the price of one request an address. Here the key whose bucket is full soonest is forgotten: to be
rid of a debt of n requests, all others must owe n requests each.
"""

from collections.abc import Mapping
from heapq import heappop, heappush

# Entries that are looked at when a key is added: more than one, so that the number of keys falls again.
_LOOKS = 8
# Below this a wait is noise of adding floats (s).
_NO_WAIT = 1e-6


class Buckets:
    """Buckets of `burst` tokens that refill at `rate` tokens/s, for at most `most` keys that have less than that."""

    def __init__(self, rate: float, burst: float, most: int) -> None:
        self.rate, self.burst, self.most = rate, burst, most
        self.forgotten = 0  # keys that still owed something
        self._full_at: dict[str, float] = {}
        # Each key once, by a time that may be too early: that a key took more meanwhile is found when it comes first.
        self._soonest: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str, amount: float, now: float) -> float:
        """Return the seconds after which taking `amount` tokens would succeed, 0 if it would now.

        An amount above the burst needs a full bucket and leaves a debt, so that it is possible, and paid for. `now` is
        in seconds, by a clock that doesn't go back.
        """
        full_at = self._full_at.get(key, now)
        wait = max(full_at, now) + (min(amount, self.burst) - self.burst) / self.rate - now
        return wait if wait > _NO_WAIT else 0.0

    def take(self, key: str, amount: float, now: float) -> float:
        """Take `amount` tokens and return 0, or take none and return the seconds to wait, as `wait` does."""
        wait = self.wait(key, amount, now)
        if not wait and amount > 0:
            self._take(key, amount, now)
        return wait

    def take_all(self, amounts: Mapping[str, float], now: float) -> dict[str, float]:
        """Take tokens of several keys and return {}, or take none of any and return those that wait (s)."""
        waits = {key: wait for key, amount in amounts.items() if (wait := self.wait(key, amount, now))}
        if not waits:
            for key, amount in amounts.items():
                self._take(key, amount, now)
        return waits

    def give_back(self, amounts: Mapping[str, float]) -> None:
        """Undo a take that was for nothing. A key that was forgotten since owes nothing anyway."""
        for key, amount in amounts.items():
            if key in self._full_at:
                self._full_at[key] -= amount / self.rate

    def _take(self, key: str, amount: float, now: float) -> None:
        full_at = self._full_at.get(key)
        if full_at is None:
            self._make_room(now)
            heappush(self._soonest, (now, key))
        self._full_at[key] = max(full_at or now, now) + amount / self.rate

    def _make_room(self, now: float) -> None:
        """Forget keys whose buckets are full, and if none is but the table is, the one that is full soonest.

        Looks at a few entries only. If all of them took more since they were put in order, the best of these goes.
        """
        owing: list[tuple[float, str]] = []
        for _ in range(min(_LOOKS, len(self._soonest))):
            at, key = heappop(self._soonest)
            full_at = self._full_at[key]
            if full_at <= now:
                del self._full_at[key]
                continue
            owing.append((full_at, key))
            if full_at <= at:
                break  # in order, so all others are full later
        if owing and len(self._full_at) >= self.most:
            soonest = min(owing)
            owing.remove(soonest)
            del self._full_at[soonest[1]]
            self.forgotten += 1
        for entry in owing:
            heappush(self._soonest, entry)
