"""What is known of impressions.v1: how many partitions it has, and whether the brokers answer at all.

It is asked for again and again, in a thread of its own: the topic may grow, or be created only after the collector has
started, and a topic that was re-created is another log, to which a producer must begin anew.
"""

import asyncio
import threading
import time
from collections.abc import Callable

from streams.errors import BrokerAwayError, Kind, TopicMissingError, UserError
from streams.kafka import names
from streams.kafka.admin import TopicInfo, describe
from streams.runtime import log
from streams.settings import Settings

logger = log.get(__name__)

# A new partition gets its users' flushes no later than this; until then they arrive elsewhere, and are forwarded.
LOOK_SECONDS = 2.0
# Brokers that don't answer for this long are away: a single answer may be late.
AWAY_SECONDS = 10.0


class Topic:
    """The topic as it was last seen. Read in the loop's thread, which also gets the news."""

    def __init__(self, settings: Settings, recreated: Callable[[], None]) -> None:
        """`recreated` is called in the loop's thread when the topic's id has changed."""
        self._settings, self._recreated = settings, recreated
        self.info: TopicInfo | None = None
        """None while no topic is known: not yet, or no more."""
        self._why = f"{names.IMPRESSIONS} has not been looked up yet."
        self._asked = self._answered = time.monotonic()
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._first: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Look once, and then regularly until `stop`.

        Raises UserError if the brokers refuse us: nothing will change that but a person. Brokers that are away and a
        topic that is missing are no reason not to start: `why_not_ready` says so.
        """
        self._loop = asyncio.get_running_loop()
        self._first = self._loop.create_future()
        # Not the loop's own threads: its end would wait for an answer that takes seconds not to come.
        threading.Thread(target=self._watch, name="topic", daemon=True).start()
        await self._first

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()

    def why_not_ready(self) -> str | None:
        """Say in a sentence why nothing can be appended; None if nothing is known that speaks against it."""
        if self.info is None:
            return self._why
        # Since the question that has no answer yet.
        away = time.monotonic() - self._asked if self._asked > self._answered else 0.0
        silent = time.monotonic() - self._answered
        if away > 0 and silent > AWAY_SECONDS:
            return f"No Kafka broker has answered for {silent:.0f} s."
        return None

    def _watch(self) -> None:
        assert self._loop is not None
        while not self._ended.is_set():
            found = self._look()
            try:
                self._loop.call_soon_threadsafe(self._learn, found)
            except RuntimeError:  # the loop is closed: nobody wants to know any more
                return
            self._ended.wait(LOOK_SECONDS)

    def _look(self) -> TopicInfo | UserError:
        self._asked = time.monotonic()
        try:
            return describe(self._settings, names.IMPRESSIONS)
        except UserError as error:
            return error

    def _learn(self, found: TopicInfo | UserError) -> None:
        if self._first is not None and not self._first.done():
            if isinstance(found, UserError) and found.kind is Kind.REFUSE:
                self._first.set_exception(found)
                return
            self._first.set_result(None)
        if isinstance(found, BrokerAwayError):
            if self.info is None:
                self._say(str(found))
            return  # what was known may still be so
        self._answered = time.monotonic()
        if isinstance(found, UserError):
            self.info = None if isinstance(found, TopicMissingError) else self.info
            self._say(str(found))
            return
        before, self.info = self.info, found
        if before is None or before.partitions != found.partitions:
            logger.info("topic_known", topic=names.IMPRESSIONS, partitions=found.partitions, id=found.topic_id)
        if before is not None and before.topic_id != found.topic_id:
            logger.warning("topic_recreated", topic=names.IMPRESSIONS, was=before.topic_id, id=found.topic_id)
            self._recreated()

    def _say(self, why: str) -> None:
        """Log why there is no topic, once for each reason."""
        if why != self._why:
            self._why = why
            logger.warning("topic_unknown", why=why)
