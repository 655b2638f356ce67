"""What users see and nobody has catalogued: such artworks count in the history, but in no pool's coverage.

An artwork may be seen before its catalogue record arrives, so a few of them for a moment are no mistake. Those that
stay mean that nobody loads the catalogue, or that its ids are other ones.
"""

import time
from collections.abc import Callable, Sequence

from streams.core.catalogue import Catalogue
from streams.metrics import catalogue as metrics
from streams.runtime import log

logger = log.get(__name__)

# Ids that are kept, about 1.5 MB; beyond them, more are only counted as impressions.
MOST = 10_000
# At most one line of the log in this time, with so many ids as examples.
LOG_SECONDS = 60.0
EXAMPLES = 3


class Uncatalogued:
    """The artworks of this process's accepted impressions that the catalogue lacks. For the catalogue's thread."""

    def __init__(self, catalogue: Catalogue, now: Callable[[], float] = time.monotonic) -> None:
        self._catalogue, self._now = catalogue, now
        self._ids: dict[str, None] = {}
        self._version = catalogue.version
        self._unlogged = 0
        self._log_from = now()

    def saw(self, artwork_ids: Sequence[str]) -> None:
        """Note accepted impressions whose artworks were not catalogued when they were decided: an id for each."""
        if artwork_ids:
            metrics.worker_uncatalogued.inc(len(artwork_ids))
            self._keep(artwork_ids)
            self._unlogged += len(artwork_ids)
        if self._unlogged and self._ids and self._now() >= self._log_from:
            examples = list(self._ids)[-EXAMPLES:]
            logger.warning(
                "impressions_uncatalogued",
                impressions=self._unlogged,
                artworks=len(self._ids),
                such_as=examples,
                do="impressions catalogue load FILE",
            )
            self._unlogged, self._log_from = 0, self._now() + LOG_SECONDS

    def look_again(self) -> None:
        """Forget what the catalogue knows by now: call this when it has changed."""
        if self._ids:
            for artwork_id in self._catalogue.new_since(self._version):
                self._ids.pop(artwork_id, None)
            metrics.uncatalogued_artworks.set(len(self._ids))
        self._version = self._catalogue.version

    def _keep(self, artwork_ids: Sequence[str]) -> None:
        for artwork_id in dict.fromkeys(artwork_ids):
            if len(self._ids) == MOST:
                break
            # Its record may have come while the chunk was being committed.
            if artwork_id not in self._ids and self._catalogue.ordinal(artwork_id) is None:
                self._ids[artwork_id] = None
        metrics.uncatalogued_artworks.set(len(self._ids))
