"""The state's values, as a rebuild writes them: the one place in `streams/rebuild` that knows their codecs."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from streams.core import seen as seen_codec
from streams.core import window
from streams.core.seen import Seen
from streams.core.window import Bucket
from streams.state import large_values, position
from streams.state.partition_state import BARRIER, BEGIN, POSITION, Change, Table, pin_change, window_key
from streams.state.position import Position

# Records of the changelogs that are not values.
MARKS = frozenset({BEGIN, BARRIER, POSITION})


class Values:
    """Builds the values of one partition. `ordinal_of` is the catalogue's answer, as the worker gets it."""

    def __init__(self, ordinal_of: Callable[[str], int | None]) -> None:
        self._ordinal_of = ordinal_of
        self._used: dict[int, str] = {}

    def user(self, user_id: str, artworks: Iterable[str]) -> Iterator[Change]:
        """Yield the changes that record everything a user has seen."""
        seen = Seen()
        for artwork_id in artworks:
            ordinal = self._ordinal_of(artwork_id)
            seen.add(artwork_id, ordinal)
            if ordinal is not None:
                self._used.setdefault(ordinal, artwork_id)
        yield from _split(Table.COVERAGE, user_id.encode(), seen_codec.encode(seen))

    def window(self, start: int, user_id: str, entries: Mapping[str, int]) -> Iterator[Change]:
        """Yield the changes that record a user's window: artworks, and ms from its start to `seen_at`."""
        bucket = Bucket()
        for artwork_id, offset in entries.items():
            bucket.accept(artwork_id, offset)
        yield from _split(Table.WINDOWS, window_key(start, user_id), window.encode(bucket))

    def ordinals(self) -> Iterator[Change]:
        """Yield the changes that record which ordinals the users' values use. Call this after the last user."""
        return (pin_change(artwork_id, ordinal) for ordinal, artwork_id in self._used.items())


def position_change(at: Position) -> Change:
    """Return the change that ends a rebuild."""
    return Change(Table.COVERAGE, POSITION, position.encode(at))


def _split(table: Table, key: bytes, value: bytes) -> Iterator[Change]:
    return (Change(table, k, v) for k, v in large_values.split(key, value))
