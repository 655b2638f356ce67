"""What provisioning does about every kind of difference between declared and existing topics."""

from dataclasses import replace

import pytest

from streams.provision.plan import (
    Action,
    Alter,
    Create,
    Existing,
    Grow,
    Note,
    Refuse,
    Same,
    Wanted,
    changes,
    plan,
    refusals,
)

WANT = Wanted(partitions=4, replicas=1, config={"retention.ms": "10", "cleanup.policy": "delete"})
HAVE = Existing(partitions=4, replicas=1, config=WANT.config, overrides=frozenset(WANT.config))
GROWING = replace(WANT, growth_allowed=True)


def kinds(actions: list[Action]) -> list[type[Action]]:
    return [type(action) for action in actions]


@pytest.mark.parametrize(
    ("want", "have", "brokers", "expected"),
    [
        # missing
        (WANT, None, 1, [Create("t", WANT)]),
        (replace(WANT, replicas=3), None, 3, [Create("t", replace(WANT, replicas=3))]),
        # as declared
        (WANT, HAVE, 1, [Same("t")]),
        # settings
        (
            WANT,
            replace(HAVE, config={"retention.ms": "5", "cleanup.policy": "delete"}),
            1,
            [Alter("t", "retention.ms", "5", "10")],
        ),
        (
            WANT,
            replace(HAVE, config={"retention.ms": "5", "cleanup.policy": "compact"}),
            1,
            [Alter("t", "retention.ms", "5", "10"), Alter("t", "cleanup.policy", "compact", "delete")],
        ),
        # equal only by the broker's default
        (WANT, replace(HAVE, overrides=frozenset({"retention.ms"})), 1,
         [Alter("t", "cleanup.policy", "delete", "delete")]),
        # a setting that this broker doesn't know
        (replace(WANT, config={"x": "1"}), replace(HAVE, config={}, overrides=frozenset()), 1,
         [Alter("t", "x", None, "1")]),
        # partitions
        (GROWING, replace(HAVE, partitions=2), 1, [Grow("t", 2, 4)]),
        (
            replace(GROWING, config={"retention.ms": "11"}),
            Existing(2, 1, {"retention.ms": "10"}, frozenset({"retention.ms"})),
            1,
            [Grow("t", 2, 4), Alter("t", "retention.ms", "10", "11")],
        ),
    ],
)  # fmt: skip
def test_planned_actions(want: Wanted, have: Existing | None, brokers: int, expected: list[Action]) -> None:
    assert plan({"t": want}, {} if have is None else {"t": have}, brokers) == expected


@pytest.mark.parametrize(
    ("want", "have", "brokers", "kind", "words"),
    [
        (replace(WANT, replicas=3), None, 1, Refuse, ["3 replicas", "there is one", "REPLICATION_FACTOR"]),
        (replace(WANT, replicas=3), None, 2, Refuse, ["there are 2"]),
        (WANT, replace(HAVE, partitions=2), 1, Refuse, ["has 2", "4 are declared", "impressions rebuild"]),
        (WANT, replace(HAVE, partitions=8), 1, Refuse, ["has 8", "declare 8"]),
        (GROWING, replace(HAVE, partitions=8), 1, Refuse, ["can't take any away"]),
        (replace(WANT, replicas=3), HAVE, 3, Refuse, ["kafka-reassign-partitions"]),
        (WANT, replace(HAVE, replicas=3), 3, Note, ["3 replicas", "left as it is"]),
        (WANT, replace(HAVE, config={**HAVE.config, "flush.ms": "9"}, overrides=HAVE.overrides | {"flush.ms"}), 1,
         Note, ["flush.ms is 9", "left as it is"]),
    ],
)  # fmt: skip
def test_some_differences_are_refused_or_only_noted(
    want: Wanted, have: Existing | None, brokers: int, kind: type[Refuse | Note], words: list[str]
) -> None:
    actions = plan({"t": want}, {} if have is None else {"t": have}, brokers)
    (said,) = [action for action in actions if isinstance(action, Refuse | Note)]
    assert isinstance(said, kind)
    assert not changes(actions)
    assert refusals(actions) == ([said] if kind is Refuse else [])
    for word in words:
        assert word in str(said)


def test_a_note_leaves_the_topic_as_declared() -> None:
    assert kinds(plan({"t": WANT}, {"t": replace(HAVE, replicas=3)}, 3)) == [Note, Same]


def test_undeclared_topics_are_noted_last_and_never_deleted() -> None:
    actions = plan({"t": WANT}, {"zz": HAVE, "t": HAVE, "aa": HAVE}, 1)
    assert kinds(actions) == [Same, Note, Note]
    assert [str(action)[:4] for action in actions] == ["= t", "? aa", "? zz"]
    assert not changes(actions)


def test_topics_come_in_the_order_of_declaration() -> None:
    actions = plan({"b": WANT, "a": WANT}, {"a": HAVE}, 1)
    assert actions == [Create("b", WANT), Same("a")]


def test_a_created_topic_needs_no_further_change() -> None:
    """A fixed point of the plan: a topic as Create would make it."""
    made = Existing(WANT.partitions, WANT.replicas, {**WANT.config, "flush.ms": "1"}, frozenset(WANT.config))
    assert plan({"t": WANT}, {"t": made}, 1) == [Same("t")]


@pytest.mark.parametrize(
    ("action", "line"),
    [
        (Create("t", WANT), "+ t: created, partitions 4, replicas 1"),
        (Alter("t", "retention.ms", "5", "10"), "~ t: retention.ms 5 -> 10"),
        (Alter("t", "x", None, "1"), "~ t: x unset -> 1"),
        (Alter("t", "x", "1", "1"), "~ t: x 1 (the broker's default) -> 1"),
        (Grow("t", 2, 4), "~ t: partitions 2 -> 4"),
        (Same("t"), "= t"),
    ],
)  # fmt: skip
def test_each_action_prints_one_line(action: Action, line: str) -> None:
    assert str(action) == line
