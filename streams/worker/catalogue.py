"""The worker's copy of the catalogue: `artworks.v1`, read completely before the first chunk, then followed.

A topic that no longer begins at offset 0 is read from where it begins: what a state used of the catalogue is checked
when its partition is taken. A topic that is re-created ends the process, since ordinals may mean other artworks in it.
"""

import asyncio
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from streams.core.artwork_record import Refusal
from streams.core.catalogue import Catalogue
from streams.errors import Kind, SourceChangedError
from streams.kafka.admin import watermarks
from streams.kafka.errors import kind
from streams.kafka.names import ARTWORKS
from streams.kafka.read import AT_ENDS, poll, reader, up_to
from streams.kafka.topic_ids import Sources
from streams.metrics import catalogue as metrics
from streams.runtime import log
from streams.runtime.limited import Limited
from streams.settings import Settings

logger = log.get(__name__)
log_refused = Limited(logger, "artwork_refused")

# How long consume() waits for a full batch, and so how far the catalogue may lag behind its topic.
POLL_SECONDS = 0.1
BATCH = 1_000
# Applied in one go between two chunks: a millisecond.
FOLLOWED_BATCH = 200
# Between two lines of the log while the catalogue is loaded, or no broker answers.
PROGRESS_SECONDS = 5.0
RETRY_SECONDS = 1.0
# Without a record for so long before the end that was asked for: ask again where the topic begins and ends.
PATIENCE_SECONDS = 30.0
READER: dict[str, str | int | float | bool] = {
    **AT_ENDS,
    # What the client may hold of the topic, which it reads faster than records are applied. Whenever it holds as much,
    # it would by default not fetch again for a second.
    "queued.min.messages": 5_000,
    "queued.max.messages.kbytes": 8_192,
    "fetch.message.max.bytes": 262_144,
    "fetch.queue.backoff.ms": 5,
    # Where records were deleted, say so; by default the client would go on at the end of the topic.
    "auto.offset.reset": "error",
}
# The topic is being deleted or re-created: `Sources` ends the process once it is there again.
_MISSING = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)


class CatalogueFollower:
    """Keeps a Catalogue up to date. Changes are applied on the event loop, so never while a chunk is being decided."""

    def __init__(self, settings: Settings) -> None:
        """Raises UserError if no broker answers, or the topic is missing."""
        self.catalogue = Catalogue()
        self._settings = settings
        # Asked before anything is read, so that no record of a re-created topic can pass for one of this.
        self._source = Sources(settings, [ARTWORKS])
        # Called, where the catalogue is used, after each batch of records.
        self.changed: Callable[[], None] = lambda: None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._consumer = reader(settings, **READER)
        self._shown = 0  # the version that the metrics show
        self._sizes: dict[str, int] = {}  # of the pools that have a label of their own
        self._others = False
        self._logged = time.monotonic()

    def load(self) -> None:
        """Read the whole topic. Blocking. It has one partition: the order decides which artwork owns an ordinal.

        Waits while no broker answers, and says so in the log. Raises KafkaException where waiting doesn't help.
        """
        while not self._loaded():
            self._stopped.wait(RETRY_SECONDS)
        logger.info("catalogue_loaded", artworks=len(self.catalogue), pools=len(dict(self.catalogue.pools())))

    def follow(self, loop: asyncio.AbstractEventLoop, failed: Callable[[BaseException], None]) -> None:
        """Keep reading in a thread of its own until `stop`; call `failed` if an error ends it, or the topic is
        re-created."""

        def run() -> None:
            try:
                while not self._stopped.is_set():
                    if records := self._poll():
                        self._apply_on(loop, records, failed)
                self._consumer.close()
            except BaseException as error:
                failed(error)

        self._source.watch(failed)
        self._thread = threading.Thread(target=run, name="catalogue", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it to end."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _loaded(self) -> bool:
        """Read from the beginning to the end; return False to try again."""
        try:
            low, end = watermarks(self._settings, ARTWORKS, 0)
            if low:
                logger.warning("catalogue_begins_late", first_offset=low, missing="the records before it were deleted")
            moved = time.monotonic()
            for records, at in up_to(self._consumer, TopicPartition(ARTWORKS, 0, low), end, BATCH, POLL_SECONDS):
                self._apply(records)
                self._log_progress(offset=at, end=end)
                if records:
                    moved = time.monotonic()
                elif time.monotonic() - moved > PATIENCE_SECONDS:
                    return False
        except KafkaException as error:
            # Records may be deleted between the two requests: read from what is the beginning now.
            if kind(error) is not Kind.WAIT and not _is_reset(error):
                raise
            self._log_progress(waiting_for=str(error))
            return False
        return True

    def _log_progress(self, **fields: object) -> None:
        if time.monotonic() - self._logged >= PROGRESS_SECONDS:
            self._logged = time.monotonic()
            logger.info("catalogue_loading", artworks=len(self.catalogue), **fields)

    def _poll(self) -> list[Message]:
        try:
            return poll(self._consumer, FOLLOWED_BATCH, POLL_SECONDS).records
        except KafkaException as error:
            if _is_reset(error):
                self._source.check(time.monotonic())
                raise SourceChangedError(f"records of {ARTWORKS} were deleted before they were read") from error
            if error.args[0].code() not in _MISSING:
                raise
            self._stopped.wait(RETRY_SECONDS)
            return []

    def _apply_on(
        self, loop: asyncio.AbstractEventLoop, records: list[Message], failed: Callable[[BaseException], None]
    ) -> None:
        """Apply records on the event loop, and wait for it, so that no more are read than are applied."""
        done = threading.Event()

        def apply() -> None:
            try:
                self._apply(records)
            except BaseException as error:
                failed(error)
            done.set()

        loop.call_soon_threadsafe(apply)
        while not done.wait(POLL_SECONDS) and not self._stopped.is_set():
            pass

    def _apply(self, records: list[Message]) -> None:
        apply = self.catalogue.apply
        for record in records:
            outcome = apply(record.key(), record.value())
            if isinstance(outcome, Refusal):
                metrics.catalogue_refused.inc()
                log_refused(artwork_id=outcome.artwork_id, offset=record.offset(), why=outcome.why)
        self._show()
        self.changed()

    def _show(self) -> None:
        """Set the metrics: those of the pools that changed, and of all that have no label of their own."""
        for pool_id in self.catalogue.pools_changed_since(self._shown):
            if metrics.pool_label(pool_id) == metrics.OTHER:
                self._others = True
            else:
                size = self._sizes[pool_id] = len(self.catalogue.pool(pool_id).active)
                metrics.pool_artworks.labels(pool_id).set(size)
        if self._others:
            metrics.pool_artworks.labels(metrics.OTHER).set(self.catalogue.active - sum(self._sizes.values()))
        metrics.catalogue_artworks.set(len(self.catalogue))
        self._shown = self.catalogue.version


def _is_reset(error: KafkaException) -> bool:
    """Say whether the offset to read next is not there any more."""
    return bool(error.args[0].code() == KafkaError._AUTO_OFFSET_RESET)
