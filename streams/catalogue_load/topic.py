"""Reads `artworks.v1` as every reader does, and keeps what it says about each artwork."""

import time
from collections.abc import Callable

import orjson
from confluent_kafka import IsolationLevel, TopicPartition

from streams.catalogue_load.staging import Staging
from streams.core.artwork_record import Refusal, read
from streams.core.catalogue import Catalogue
from streams.errors import BrokerAwayError, UserError
from streams.kafka.admin import describe, ends, watermarks
from streams.kafka.names import ARTWORKS
from streams.kafka.read import AT_ENDS, reader, up_to
from streams.settings import Settings

BATCH = 1_000
POLL_SECONDS = 0.5
# Without a record for so long before the end that was asked for, no broker sends any more.
PATIENCE_SECONDS = 30.0
# Our brokers abort whatever transaction is older than 60 s; others may allow more.
OPEN_SECONDS = 90.0
ASK_SECONDS = 0.5
# What the client may hold of the topic, which it reads faster than records are applied.
BOUNDS = {"queued.min.messages": 5_000, "queued.max.messages.kbytes": 16_384, "fetch.message.max.bytes": 1_048_576}
_NO_DNA = b"[]"

# Called with the number of offsets read, and with the end.
Read = Callable[[int, int], None]
Say = Callable[[str], None]


class Log:
    """The catalogue's topic, read up to `at`. Raises UserError if no broker answers, or the topic is missing."""

    def __init__(self, settings: Settings, staging: Staging) -> None:
        self._settings, self._staging = settings, staging
        describe(settings, ARTWORKS)
        low, _ = watermarks(settings, ARTWORKS, 0)
        if low:
            raise UserError(
                f"{ARTWORKS} begins at offset {low}: earlier records were deleted, so nobody knows which ordinals "
                "are taken, and users' history may hold them. Restore the topic first (docs/operate/recovery.md)."
            )
        self._consumer = reader(settings, **AT_ENDS, **BOUNDS)
        self._catalogue = Catalogue()
        self.at = 0

    def close(self) -> None:
        """Close the client."""
        self._consumer.close()

    def read_on(self, report: Read, say: Say | None) -> None:
        """Read from `at` to the end.

        A transaction that another producer has open hides the end: say so and wait, or, with None, read up to it.
        Raises BrokerAwayError where no broker answers, UserError where the transaction stays open.
        """
        end = self._settled_end(say) if say else self._end(IsolationLevel.READ_COMMITTED)
        start = TopicPartition(ARTWORKS, 0, self.at)
        for records, at in up_to(self._consumer, start, end, BATCH, POLL_SECONDS, PATIENCE_SECONDS):
            for record in records:
                self._apply(record.key(), record.value())
            self.at = at
            report(at, end)
        self.at = max(self.at, end)  # the last offsets may be those of transactions' markers

    def _apply(self, key: bytes | None, value: bytes | None) -> None:
        found = read(key, value)
        if isinstance(found, Refusal):
            return
        artwork_id, said = found
        artwork = self._catalogue.take(artwork_id, said)
        if not isinstance(artwork, Refusal):
            self._staging.learn(artwork, said, orjson.dumps(said.dna) if said and said.dna else _NO_DNA)

    def _settled_end(self, say: Say) -> int:
        """Return the end, once no transaction is open."""
        deadline, said = time.monotonic() + OPEN_SECONDS, False
        while (end := self._end(IsolationLevel.READ_COMMITTED)) < self._end(IsolationLevel.READ_UNCOMMITTED):
            if time.monotonic() > deadline:
                raise UserError(
                    f"A producer has had a transaction open in {ARTWORKS} for {OPEN_SECONDS:.0f} s, so what is after "
                    f"offset {end} can't be read: end that producer, then run this again."
                )
            if not said:
                say(f"A producer has a transaction open in {ARTWORKS}: waiting for its end.")
                said = True
            time.sleep(ASK_SECONDS)
        return end

    def _end(self, isolation: IsolationLevel) -> int:
        found = ends(self._settings, ARTWORKS, [0], isolation)
        if not found:
            raise BrokerAwayError(f"No Kafka broker at {self._settings.kafka_bootstrap} says where {ARTWORKS} ends.")
        return found[0]
