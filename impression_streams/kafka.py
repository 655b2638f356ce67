"""What the producers that speak Kafka share: their settings."""

from collections.abc import Callable, Mapping
from functools import partial

from impression_streams.base import BaseProducer
from impression_streams.client import Config, check_bootstrap, connect
from impression_streams.delivery import Delivery, MissingTopicError
from impression_streams.options import Compression, ProducerOptions
from impression_streams.sender import KafkaSender, missing
from impression_streams.types import Tier


class KafkaProducer(BaseProducer):
    """Not for use by itself: see ImpressionProducer and AsyncImpressionProducer."""

    def __init__(  # noqa: PLR0913 - each is a separate setting, by keyword
        self,
        bootstrap: str = "127.0.0.1:9092",
        *,
        tier: Tier = "free",
        flush_interval: float | None = None,
        batch_size: int = 200,
        topic: str = "impressions.v1",
        session_id: str | None = None,
        experiments: Mapping[str, str] | None = None,
        on_delivery: Callable[[Delivery], None] | None = None,
        compression: Compression = "zstd",
        linger_ms: float = 5.0,
        delivery_timeout: float = 120.0,
        max_buffered: int = 100_000,
        max_block: float = 60.0,
        config: Config | None = None,
    ) -> None:
        """Set up; no connection is made yet. Raises ValueError for a wrong setting.

        A user's flush is sent once it has `batch_size` impressions (1 to 500), or `flush_interval` seconds (by tier:
        free 5, pro 1) after its first. `experiments` are arms by experiment (at most 16). `linger_ms` is how long
        flushes wait for others to share a request. `config` holds further settings of librdkafka, as for TLS and SASL.
        """
        options = ProducerOptions(
            tier, flush_interval, batch_size, session_id, experiments, delivery_timeout, max_buffered, max_block
        )
        check_bootstrap(bootstrap)
        self._topic = topic
        client = options.client(bootstrap, compression, linger_ms, config)
        self._open(options, partial(KafkaSender, topic, partial(connect, client)), on_delivery)

    def _missing_topic(self) -> Exception:
        return MissingTopicError(missing(self._topic))
