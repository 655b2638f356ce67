"""Whether the sources are the same logs, and for how long no broker has said so."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from streams.errors import BrokerAwayError, SourceChangedError, UserError
from streams.kafka import topic_ids
from streams.kafka.admin import TopicInfo
from streams.kafka.topic_ids import Sources
from streams.settings import Settings
from tests.support.events import Events

SETTINGS = Settings(session_timeout_seconds=10)
SAME = {"a": TopicInfo("id-1", 4)}
AWAY, MISSING = BrokerAwayError("No broker."), UserError("No topic.")


class Asked:
    """Sources whose broker answers what a test says, at the time that it says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        self.answer: object = SAME
        self.meanwhile: Callable[[], None] = lambda: None
        monkeypatch.setattr(topic_ids, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(topic_ids, "describe_all", self._describe)
        self.sources = Sources(SETTINGS, ["a"])

    def _describe(self, *_: object) -> object:
        self.meanwhile()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def ask(self, answer: object, seconds: float = 2.0) -> bool:
        """Ask some seconds later."""
        self.now, self.answer = self.now + seconds, answer
        return self.sources.check(self.now)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    return Asked(monkeypatch)


def test_a_new_id_is_a_new_log(asked: Asked) -> None:
    assert asked.ask(SAME)
    with pytest.raises(SourceChangedError, match="a was re-created: its id was id-1 and is now id-2"):
        asked.ask({"a": TopicInfo("id-2", 4)})


def test_more_partitions_are_the_same_log(asked: Asked) -> None:
    assert asked.ask({"a": TopicInfo("id-1", 5)})


def test_a_broker_that_answers_is_never_away(asked: Asked) -> None:
    for _ in range(3):
        assert asked.ask(SAME, 60.0)
        assert asked.sources.away_seconds() == 0
    asked.now += 3_600
    assert asked.sources.away_seconds() == 0, "nobody asked"


def test_silence_counts_from_the_first_question_without_an_answer(asked: Asked) -> None:
    assert not asked.ask(AWAY)
    asked.now += 8
    assert asked.sources.away_seconds() == 8
    assert asked.sources.why_not_ready() is None
    assert not asked.ask(AWAY, 8)
    assert asked.sources.away_seconds() == 16
    assert asked.sources.why_not_ready() == "No Kafka broker has answered for 16 s."
    assert asked.ask(SAME)
    assert asked.sources.away_seconds() == 0
    assert asked.sources.why_not_ready() is None


def test_a_question_that_hangs_counts_before_it_fails(asked: Asked) -> None:
    seen: list[float] = []

    def hang() -> None:
        for _ in range(2):
            asked.now += 4
            seen.append(asked.sources.away_seconds())

    asked.meanwhile = hang
    assert not asked.ask(AWAY)
    assert seen == [0, 8]


def test_a_broker_that_lacks_the_topic_answers(asked: Asked) -> None:
    assert not asked.ask(AWAY, 30)
    assert not asked.ask(MISSING, 30)
    assert asked.sources.away_seconds() == 0


def test_only_changes_are_logged(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    events = Events()
    monkeypatch.setattr(topic_ids, "logger", events)
    for answer in (SAME, AWAY, AWAY, AWAY, SAME, SAME, MISSING, MISSING, SAME):
        asked.ask(answer)
    assert events.said == ["broker_away", "broker_back", "source_missing", "broker_back"]
