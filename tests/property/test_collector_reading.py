"""What the collector says of a body is what the worker then decides, and every line of it is accounted for."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.collector.rules.reading import Reading, read
from streams.core.partitioner import partition_of
from tests.property.test_json import edits, mutated
from tests.support.flushes import LATENESS, RULES, TOLERANCE, WINDOW, A, Outcome, decide, decider, impression, line

PARTITIONS = 3
EDGES = [edge + by for edge in (0, -TOLERANCE, LATENESS, LATENESS + 2 * WINDOW, WINDOW) for by in (-1, 0, 1)]

ages = st.sampled_from(EDGES) | st.integers(-2 * TOLERANCE, LATENESS + 5 * WINDOW)
pieces = st.one_of(
    st.builds(lambda art, age: impression(artwork_id=art, seen_at=A - age), st.sampled_from("ab"), ages),
    st.builds(lambda art, age: impression(artwork_id=art, seen_at=A - age), st.sampled_from("ab"), ages),
    st.sampled_from([impression(visible=2), impression(dwell_ms=None), 0, {}, impression(seen_at=A, more=[1])]),
)
flushes = st.builds(
    lambda user, impressions, more: line(user_id=user, impressions=impressions, **more),
    st.sampled_from(["u1", "u2", "u3", "u 4"]),
    st.lists(pieces, max_size=4),
    st.sampled_from([{}, {}, {}, {"more": 1}, {"v": 2}, {"flush_id": ""}, {"tier": "gold"}]),
)
rubbish = st.sampled_from([b"", b"{", b"[]", b"\xff", b'{"v":1}', b'{"user_id":"u1"}', b'{"a":1e999}', b'{"token":1}'])
mutants = st.lists(edits, min_size=1, max_size=3).map(mutated).map(lambda text: text.replace(b"\n", b""))
bodies = st.lists(st.one_of(flushes, flushes, flushes, rubbish, mutants), min_size=1, max_size=6)


def by_worker(texts: Sequence[bytes], partition: int) -> Outcome:
    """Decide a record of these lines with an empty state."""
    return decide(b"\n".join(texts), by=decider(partition=partition, partitions=PARTITIONS))


def in_log(reading: Reading, partition: int) -> tuple[list[bytes], list[int]]:
    """The lines of a partition, and their numbers in the body."""
    pairs = zip(reading.lines, reading.logged, strict=True)
    found = [(text, about.line) for (home, text), about in pairs if home == partition]
    return [text for text, _ in found], [number for _, number in found]


@given(bodies)
@settings(max_examples=200)
def test_the_verdicts_are_the_workers(lines: list[bytes]) -> None:
    body = b"\n".join([*lines, b""])
    reading = read(body, now_ms=A, partitions=PARTITIONS, rules=RULES)
    said = {(each.line, each.index, each.reason) for each in reading.rejected}
    taken, accepted = set[int](), 0
    for partition in range(PARTITIONS):
        texts, numbers = in_log(reading, partition)
        if not texts:
            continue
        assert texts == [lines[number] for number in numbers]
        outcome = by_worker(texts, partition)
        assert not outcome.forwards
        rejected = {(numbers[row["line"]], row["idx"], row["reason"]) for row in outcome.rejected}
        assert rejected == {each for each in said if each[0] in numbers}
        taken.update(numbers)
        accepted += sum(row["accepted"] + row["duplicates"] for row in outcome.ledger)
    assert reading.accepted == accepted
    assert_refused(lines, taken, said)


def assert_refused(lines: list[bytes], taken: set[int], said: set[tuple[int, int, str]]) -> None:
    """Each line that is not for the log has no user, and the reason that the worker would have for it."""
    for number in set(range(len(lines))) - taken:
        (row,) = by_worker([lines[number]], 0).rejected
        assert row["user_id"] == ""
        assert (number, -1, row["reason"]) in said


@given(bodies)
def test_every_line_is_counted_once(lines: list[bytes]) -> None:
    reading = read(b"\n".join([*lines, b""]), now_ms=A, partitions=PARTITIONS, rules=RULES)
    assert reading.flushes == len(lines) == len(reading.lines) + reading.refused.total()
    assert reading.repeats == len(lines) - len(set(lines))
    assert sum(each.impressions - each.rejected for each in reading.logged if each.impressions) == reading.accepted
    assert [partition_of(each.user_id, PARTITIONS) for each in reading.logged] == [home for home, _ in reading.lines]
