"""What is checked before a partition is fenced: a partition that can't be restored anyway fences nobody."""

from collections.abc import Mapping
from typing import Any

import pytest

from streams.errors import BrokerAwayError, KnownError, StateLostError, TopicMissingError, UserError
from streams.kafka.admin import TopicInfo
from streams.settings import Settings
from streams.state.memory import MemoryStore
from streams.worker import restore as module
from streams.worker.restore import restore

WINDOWS, COVERAGE = "impressions-windows-changelog", "impressions-coverage-changelog"
WELL = TopicInfo("id", 4)


class Owner:
    """Stands in for the partition's producer, which fences its present owner."""

    fenced = False

    def fence(self, patient: bool = True) -> None:
        self.fenced = True


@pytest.mark.parametrize(
    ("partition", "answer", "type_", "sentence"),
    [
        (
            1,
            {WINDOWS: WELL, COVERAGE: TopicInfo("id", 4, frozenset({1}))},
            BrokerAwayError,
            f"^Partition 1 of {COVERAGE} is offline",
        ),
        (
            4,
            {WINDOWS: WELL, COVERAGE: WELL},
            StateLostError,
            f"^partition 4 has no state: {WINDOWS} has 4 partitions, .*`impressions provision` says how to go on",
        ),
        (0, TopicMissingError("There is no topic."), StateLostError, "^There is no topic.*`impressions rebuild`"),
        (0, UserError("Grant a right."), UserError, "^Grant a right.$"),
        (0, BrokerAwayError("No broker."), BrokerAwayError, "^No broker.$"),
    ],
    ids=["offline", "the source has grown", "missing", "no right", "no broker"],
)
def test_each_obstacle_has_its_sentence(
    partition: int,
    answer: Mapping[str, TopicInfo] | KnownError,
    type_: type[KnownError],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def describe_all(*_: object) -> Mapping[str, TopicInfo]:
        if isinstance(answer, KnownError):
            raise answer
        return answer

    monkeypatch.setattr(module, "describe_all", describe_all)
    owner: Any = Owner()
    with pytest.raises(type_, match=sentence) as raised:
        restore(Settings(), partition, owner, MemoryStore(), lambda: None)
    assert type(raised.value) is type_
    assert not owner.fenced
