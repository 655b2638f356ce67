"""What must hold for the rows that readers see, whatever the recount says."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from oracle.views import Row, Views


def invariants(views: Views, window_ms: int) -> dict[str, int]:
    """Return how many rows of the views violate each invariant; all must be 0."""
    ((repeated,),) = views.rows("SELECT count() - uniqExact(event_id) FROM impressions")
    ((unbalanced,),) = views.rows(
        "SELECT sumIf(lines, received != accepted + duplicates + rejected + forwarded) FROM ledger"
    )
    return {
        "event ids that occur twice": int(repeated),
        "lines out of balance": int(unbalanced),
        "duplicates within the window": duplicates_left(
            views.view("impressions", ["user_id", "artwork_id", "seen_at"]), window_ms
        ),
    }


def duplicates_left(rows: Iterable[Row], window_ms: int) -> int:
    """Return how many (user, artwork, seen_at) are less than the window after another of the same user and artwork."""
    times: defaultdict[tuple[Any, Any], list[int]] = defaultdict(list)
    for user_id, artwork_id, seen_at in rows:
        times[user_id, artwork_id].append(seen_at)
    return sum(
        later - earlier < window_ms for moments in times.values() for earlier, later in pairwise(sorted(moments))
    )
