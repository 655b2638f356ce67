"""The worker's copy of the catalogue: `artworks.v1`, read completely before the first chunk, then followed."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable

from confluent_kafka import Message, TopicPartition

from streams.core.artwork_record import Refusal
from streams.core.catalogue import Catalogue
from streams.kafka.admin import REQUEST_SECONDS
from streams.kafka.names import ARTWORKS
from streams.kafka.read import AT_ENDS, poll, reader, up_to
from streams.metrics import catalogue as metrics
from streams.runtime import log
from streams.settings import Settings

logger = log.get(__name__)

# How long consume() waits for a full batch, and so how far the catalogue may lag behind its topic.
POLL_SECONDS = 0.1
BATCH = 1_000


class CatalogueFollower:
    """Keeps a Catalogue up to date. Changes are applied on the event loop, so never while a chunk is being decided."""

    def __init__(self, settings: Settings) -> None:
        self.catalogue = Catalogue()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._consumer = reader(settings, **AT_ENDS)

    def load(self) -> None:
        """Read the whole topic. Blocking. It has one partition: the order decides which artwork owns an ordinal."""
        tp = TopicPartition(ARTWORKS, 0)
        tp.offset, end = self._consumer.get_watermark_offsets(tp, timeout=REQUEST_SECONDS)
        for records, _ in up_to(self._consumer, tp, end, BATCH, POLL_SECONDS):
            self._apply(records)
        logger.info("catalogue_loaded", artworks=len(self.catalogue))

    def follow(self, loop: asyncio.AbstractEventLoop, failed: Callable[[BaseException], None]) -> None:
        """Keep reading in a thread of its own until `stop`; call `failed` if an error ends it."""

        def run() -> None:
            try:
                while not self._stopped.is_set():
                    if records := poll(self._consumer, BATCH, POLL_SECONDS).records:
                        loop.call_soon_threadsafe(self._apply, records)
                self._consumer.close()
            except BaseException as error:
                failed(error)

        self._thread = threading.Thread(target=run, name="catalogue", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it to end."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _apply(self, records: list[Message]) -> None:
        for record in records:
            outcome = self.catalogue.apply(record.key(), record.value())
            if isinstance(outcome, Refusal):
                metrics.catalogue_refused.inc()
                logger.warning("artwork_refused", artwork_id=outcome.artwork_id, why=outcome.why)
        metrics.catalogue_artworks.set(len(self.catalogue))
        sizes: Counter[str] = Counter()
        for pool_id, pool in self.catalogue.pools():
            sizes[metrics.pool_label(pool_id)] += len(pool.active)
        for label, size in sizes.items():
            metrics.pool_artworks.labels(label).set(size)
