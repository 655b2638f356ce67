"""What must be done to make a broker's topics match the declared ones: a pure function of both.

Nothing is ever deleted, and nothing is changed that would move a user's history to another partition: those
differences are refused, with instructions for making the change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wanted:
    """A topic as declared. `config` holds every declared setting, in Kafka's spelling."""

    partitions: int
    replicas: int
    config: Mapping[str, str]
    growth_allowed: bool = False


@dataclass(frozen=True)
class Existing:
    """A topic as it is. `config` holds the values in force, `overrides` the names of those set on the topic itself."""

    partitions: int
    replicas: int
    config: Mapping[str, str]
    overrides: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Create:
    """Create a topic."""

    topic: str
    wanted: Wanted

    def __str__(self) -> str:
        return f"+ {self.topic}: created, partitions {self.wanted.partitions}, replicas {self.wanted.replicas}"


@dataclass(frozen=True)
class Alter:
    """Set one setting of a topic."""

    topic: str
    name: str
    before: str | None
    after: str

    def __str__(self) -> str:
        default = " (the broker's default)" if self.before == self.after else ""
        before = "unset" if self.before is None else self.before + default
        return f"~ {self.topic}: {self.name} {before} -> {self.after}"


@dataclass(frozen=True)
class Grow:
    """Add partitions to a topic."""

    topic: str
    before: int
    after: int

    def __str__(self) -> str:
        return f"~ {self.topic}: partitions {self.before} -> {self.after}"


@dataclass(frozen=True)
class Refuse:
    """A difference that provisioning does not fix; nothing at all is changed while there is one."""

    topic: str
    sentence: str

    def __str__(self) -> str:
        return f"! {self.topic}: {self.sentence}"


@dataclass(frozen=True)
class Note:
    """A difference worth knowing that is left as it is."""

    topic: str
    sentence: str

    def __str__(self) -> str:
        return f"? {self.topic}: {self.sentence}"


@dataclass(frozen=True)
class Same:
    """A topic that is as declared."""

    topic: str

    def __str__(self) -> str:
        return f"= {self.topic}"


Change = Create | Alter | Grow
Action = Change | Refuse | Note | Same


def plan(wanted: Mapping[str, Wanted], existing: Mapping[str, Existing], brokers: int) -> list[Action]:
    """Return what to do, topic by topic in the order of declaration, then notes about undeclared topics.

    `existing` excludes Kafka's internal topics; `brokers` is the number of brokers that can hold replicas.
    """
    actions: list[Action] = []
    for topic, want in wanted.items():
        have = existing.get(topic)
        found = _missing(topic, want, brokers) if have is None else _different(topic, want, have)
        if not any(isinstance(action, Change | Refuse) for action in found):
            found.append(Same(topic))
        actions += found
    actions += [
        Note(topic, "is on the broker but not in topics.yaml; left as it is")
        for topic in sorted(existing.keys() - wanted.keys())
    ]
    return actions


def refusals(actions: Sequence[Action]) -> list[Refuse]:
    """Return the refusals."""
    return [action for action in actions if isinstance(action, Refuse)]


def changes(actions: Sequence[Action]) -> list[Change]:
    """Return the changes to make."""
    return [action for action in actions if isinstance(action, Change)]


def _missing(topic: str, want: Wanted, brokers: int) -> list[Action]:
    if want.replicas > brokers:
        return [
            Refuse(
                topic,
                f"is to have {want.replicas} replicas, which need as many brokers, and there {_are(brokers)}: "
                f"add brokers or lower IMPRESSIONS_REPLICATION_FACTOR",
            )
        ]
    return [Create(topic, want)]


def _different(topic: str, want: Wanted, have: Existing) -> list[Action]:
    found: list[Action] = [*_partitions(topic, want, have), *_replicas(topic, want, have)]
    found += [
        Alter(topic, name, have.config.get(name), value)
        for name, value in want.config.items()
        # Set it even if the broker's default is the same: that may change with the broker.
        if have.config.get(name) != value or name not in have.overrides
    ]
    found += [
        Note(topic, f"{name} is {have.config.get(name)} on the broker but not in topics.yaml; left as it is")
        for name in sorted(have.overrides - want.config.keys())
    ]
    return found


def _partitions(topic: str, want: Wanted, have: Existing) -> list[Action]:
    if want.partitions == have.partitions:
        return []
    if want.growth_allowed and want.partitions > have.partitions:
        return [Grow(topic, have.partitions, want.partitions)]
    if want.growth_allowed:
        return [Refuse(topic, f"has {have.partitions} partitions, and Kafka can't take any away: declare as many")]
    return [
        Refuse(
            topic,
            f"has {have.partitions} partitions and {want.partitions} are declared; a change would part users from "
            f"their state, so declare {have.partitions}, or let IMPRESSIONS_KAFKA_BOOTSTRAP name an empty broker and "
            f"run `impressions rebuild`, which makes topics and state there",
        )
    ]


def _replicas(topic: str, want: Wanted, have: Existing) -> list[Action]:
    if want.replicas < have.replicas:
        return [Note(topic, f"has {have.replicas} replicas, {want.replicas} are declared; left as it is")]
    if want.replicas > have.replicas:
        # Raising min.insync.replicas above the existing replicas would stop every write, so nothing is done halfway.
        return [
            Refuse(
                topic,
                f"has {have.replicas} replicas and {want.replicas} are declared: add them with Kafka's own "
                f"kafka-reassign-partitions.sh, or set IMPRESSIONS_REPLICATION_FACTOR to {have.replicas}",
            )
        ]
    return []


def _are(brokers: int) -> str:
    return "is one" if brokers == 1 else f"are {brokers}"
