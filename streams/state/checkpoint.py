"""How far the local store follows its changelogs: kept in the store, written with every batch."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.state.store import Change, Store

KEY = b"m"
# topics.yaml keeps tombstones of the changelogs for a day. A store that stood still for longer may have missed
# one, and would keep what was deleted; half of that leaves room for clocks and compaction.
TRUSTED_SECONDS = 12 * 3600.0


@dataclass
class Checkpoint:
    """Next offset to read of each changelog, by topic id, and when the last batch was written (s since the epoch).

    A changelog that was deleted and created again has another id: the store follows none of its offsets.
    """

    offsets: dict[str, int] = field(default_factory=dict)
    written_at: float = 0.0

    @classmethod
    def read(cls, store: Store) -> "Checkpoint":
        """The store's checkpoint; empty for an empty store."""
        raw = store.get(KEY)
        if raw is None:
            return cls()
        fields: dict[str, Any] = orjson.loads(raw)
        return cls(fields["offsets"], fields["written_at"])

    def offset(self, topic_id: str) -> int:
        """The next offset to read of a changelog; 0 for one that the store has read nothing of."""
        return self.offsets.get(topic_id, 0)

    def advance(self, offsets: dict[str, int], now: float) -> Change:
        """Move on, and return the change that belongs into the same batch."""
        self.offsets |= offsets
        self.written_at = now
        return KEY, orjson.dumps({"offsets": self.offsets, "written_at": self.written_at})

    def is_older_than_tombstones(self, now: float) -> bool:
        """May tombstones have come and gone since the last batch?"""
        return bool(self.offsets) and now - self.written_at > TRUSTED_SECONDS
