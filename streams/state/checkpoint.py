"""How far the local store follows its changelogs: kept in the store itself and written with every batch."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.state.store import Change, Store

KEY = b"m"
# topics.yaml keeps the changelogs' tombstones for a day. A store that was not updated for longer may have missed one
# and would keep deleted values; half a day leaves a margin for clocks and compaction.
TRUSTED_SECONDS = 12 * 3600.0


@dataclass
class Checkpoint:
    """The next offset to read of each changelog, by topic id, and the time of the last batch (s since the epoch).

    A re-created changelog has a new id, so the store has no offset for it.
    """

    offsets: dict[str, int] = field(default_factory=dict)
    written_at: float = 0.0

    @classmethod
    def read(cls, store: Store) -> "Checkpoint":
        """Return the store's checkpoint; empty for an empty store."""
        raw = store.get(KEY)
        if raw is None:
            return cls()
        fields: dict[str, Any] = orjson.loads(raw)
        return cls(fields["offsets"], fields["written_at"])

    def offset(self, topic_id: str) -> int:
        """Return the next offset to read of a changelog; 0 if the store has read nothing of it."""
        return self.offsets.get(topic_id, 0)

    def advance(self, offsets: dict[str, int], now: float) -> Change:
        """Advance, and return the change to write in the same batch."""
        self.offsets |= offsets
        self.written_at = now
        return KEY, orjson.dumps({"offsets": self.offsets, "written_at": self.written_at})

    def is_older_than_tombstones(self, now: float) -> bool:
        """Say whether tombstones may have been written and removed since the last batch."""
        return bool(self.offsets) and now - self.written_at > TRUSTED_SECONDS
