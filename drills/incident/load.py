"""What an app sends while things go wrong: users who keep looking, clients that send garbage, too small a pool."""

import json
import threading
import time
from itertools import count

from confluent_kafka import Producer

from streams.sdk import ImpressionProducer
from streams.settings import Settings

USERS, ARTWORKS, SMALL_POOL = 60, 5_000, 20
# Each user looks at one artwork a second; every third is from the small pool as long as it lasts.
TICK_SECONDS = 1.0
SMALL_EVERY = 3
# One in ten of what arrives.
RUBBISH_A_TICK = 6
RUBBISH = (b"", b"{", b"null", b'{"v":1,"user_id":"u1"}', b"\xff\xfe")


def catalogue(settings: Settings) -> None:
    """Send the catalogue of two pools: `main`, which lasts, and `small`."""
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
    for ordinal in range(ARTWORKS + SMALL_POOL):
        pool = "main" if ordinal < ARTWORKS else "small"
        record = {
            "pool_id": pool,
            "ordinal": ordinal,
            "created_at": int(time.time() * 1000),
            "retired": False,
            "dna": [],
        }
        producer.produce("artworks.v1", key=f"a{ordinal:05d}", value=json.dumps(record))
        producer.poll(0)
    producer.flush(30)


class Load:
    """Traffic in a thread, until `finish`. Counts what it has sent."""

    def __init__(self, settings: Settings) -> None:
        self.impressions = self.rubbish = 0
        self.flooding = threading.Event()
        self._end = threading.Event()
        self._settings = settings
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def finish(self) -> None:
        """Stop sending, and return once everything is acknowledged."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        raw = Producer({"bootstrap.servers": self._settings.kafka_bootstrap, "acks": "all"})
        with ImpressionProducer(self._settings.kafka_bootstrap, tier="pro") as sdk:
            for tick in count():
                for user in range(USERS):
                    artwork, pool = self._shown(tick, user)
                    sdk.record(f"u{user:02d}", artwork, pool_id=pool, dwell_ms=900, visible=1.0, surface="gallery")
                    self.impressions += 1
                if self.flooding.is_set():
                    for number in range(RUBBISH_A_TICK):
                        raw.produce("impressions.v1", key=f"u{number}", value=RUBBISH[(tick + number) % len(RUBBISH)])
                        self.rubbish += 1
                raw.poll(0)
                if self._end.wait(TICK_SECONDS):
                    break
        raw.flush(30)

    def _shown(self, tick: int, user: int) -> tuple[str, str]:
        """Nobody sees anything twice; every user has seen all of the small pool within a minute."""
        seen_of_small = tick // SMALL_EVERY
        if tick % SMALL_EVERY == 0 and seen_of_small < SMALL_POOL:
            return f"a{ARTWORKS + seen_of_small:05d}", "small"
        return f"a{(tick + user * 71) % ARTWORKS:05d}", "main"
