"""The state's values, as a rebuild writes them: the one place in `streams/rebuild` that knows their codecs."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from streams.core.seen import Seen
from streams.core.window import Bucket
from streams.state import position, segments, values
from streams.state.ordinals import Ordinals
from streams.state.partition_state import BARRIER, BEGIN, POSITION, Change, Table, window_key
from streams.state.position import Position

# Records of the changelogs that are not values.
MARKS = frozenset({BEGIN, BARRIER, POSITION})


class Values:
    """Builds the values of one partition. `ordinal_of` is the catalogue's answer, as the worker gets it."""

    def __init__(self, ordinal_of: Callable[[str], int | None]) -> None:
        self._ordinal_of = ordinal_of
        self._ordinals = Ordinals()

    def user(self, user_id: str, artworks: Iterable[str]) -> Iterator[Change]:
        """Yield the changes that record everything a user has seen."""
        seen = Seen()
        for artwork_id in artworks:
            ordinal = self._ordinal_of(artwork_id)
            seen.add(artwork_id, ordinal)
            if ordinal is not None and ordinal not in self._ordinals.used:
                self._ordinals.use(ordinal, artwork_id)
        for key, value in values.pack_seen(user_id.encode(), seen):
            yield Change(Table.COVERAGE, key, value)

    def window(self, start: int, user_id: str, entries: Mapping[str, int]) -> Iterator[Change]:
        """Yield the changes that record a user's window: artworks, and ms from its start to `seen_at`."""
        bucket = Bucket()
        for artwork_id, offset in entries.items():
            bucket.accept(artwork_id, offset)
        for key, value in segments.changes(window_key(start, user_id), bucket):
            yield Change(Table.WINDOWS, key, value)

    def ordinals(self) -> Iterator[Change]:
        """Yield the changes that record which ordinals the users' values use. Call this after the last user."""
        return (Change(Table.COVERAGE, key, value) for key, value in self._ordinals.changes())


def position_change(at: Position) -> Change:
    """Return the change that ends a rebuild."""
    return Change(Table.COVERAGE, POSITION, position.encode(at))
