"""Everything that the demo sends, decided before it starts: a pure function of the log, the seed and the time."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from demo.plan.catalogue import catalogue_steps
from demo.plan.drafts import Draft, make_drafts
from demo.plan.events import SPAN_MS, load_events
from demo.plan.faults_flows import FLOWS, window_edges
from demo.plan.faults_lines import invalid_flushes, invalid_impressions, malformed_values, odd_values, oversize_lines
from demo.plan.steps import IMPRESSIONS, Step
from impression_streams.encode import check_flush, flush_json
from oracle.murmur import home_of

RETRIED_SHARE = 0.10
MISROUTED_SHARE = 0.03
# One in PACKED_EVERY runs of this many flushes becomes packed records, one per partition.
PACKED_TOGETHER = 24
PACKED_EVERY = 5
# Larger lines are not packed: several in one record would exceed what the broker accepts.
LARGEST_PACKED_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Send:
    """A flush or broken line to send: the user who is its key, and its bytes."""

    at: int
    user_id: str
    value: bytes
    connection: int = 0
    good: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, ordered by time, and how many faults of each kind it has."""

    steps: list[Step]
    injected: Counter[str]
    start: int
    end: int
    impressions: int


def make_plan(now_ms: int, seed: int, window_ms: int, partitions: int) -> Plan:
    """Return the plan whose last real event was seen at `now_ms`. The same arguments make the same plan."""
    injected: Counter[str] = Counter()
    events = load_events(now_ms)
    drafts = make_drafts(events, _random(seed, "drafts"))
    for name, fault in FLOWS.items():
        fault(drafts, _random(seed, name), injected)
    drafts += window_edges(now_ms, window_ms, _random(seed, "edges"), injected)
    _insert_invalid(drafts, now_ms, _random(seed, "invalid"), injected)
    sends = [Send(draft.at, draft.user_id, _line(draft), good=not draft.spoilt) for draft in drafts]
    sends += _odd_sends(drafts, _random(seed, "odd"), injected)
    end = max(send.at for send in sends)
    sends += _retries(sends, end, _random(seed, "retries"), injected)
    sends.sort(key=lambda send: send.at)
    start = now_ms - SPAN_MS
    steps = list(_records(sends, partitions, _random(seed, "records"), injected))
    steps += _broken_records(drafts, partitions, _random(seed, "broken"), injected)
    steps += catalogue_steps(start, end, _random(seed, "catalogue"), injected)
    return Plan(sorted(steps, key=lambda step: step.at), injected, start, end, len(events))


def _random(seed: int, name: str) -> Random:
    """Return a fault's own generator, so that a new fault doesn't change the others."""
    return Random(f"{seed}/{name}")


def _line(draft: Draft) -> bytes:
    """Return the flush's bytes; for a good one those of the SDK, so its retries are exact whichever way they go."""
    text = draft.encode()
    return text if draft.spoilt else flush_json(check_flush(json.loads(text)))


def _insert_invalid(drafts: list[Draft], now_ms: int, rng: Random, injected: "Counter[str]") -> None:
    """Put each kind of invalid impression into a good flush."""
    kinds = invalid_impressions(now_ms)
    for (kind, text), draft in zip(kinds.items(), rng.sample(drafts, len(kinds)), strict=True):
        draft.spoilt = True
        draft.impressions.insert(rng.randint(0, len(draft.impressions)), text)
        injected[f"invalid impression: {kind}"] += 1


def _odd_sends(drafts: list[Draft], rng: Random, injected: "Counter[str]") -> Iterator[Send]:
    """Yield lines that the worker must reject whole, and odd ones that it must accept."""
    draft = rng.choice(drafts)
    for kind, value in odd_values(draft).items():
        yield Send(_any_time(drafts, rng), draft.user_id, value)
        injected[f"odd but right: {kind}"] += 1
    for kind, value in oversize_lines(draft, rng).items():
        yield Send(_any_time(drafts, rng), draft.user_id, value)
        injected[f"oversize: {kind}"] += 1
    for kind, wrong in invalid_flushes(draft).items():
        yield Send(_any_time(drafts, rng), draft.user_id, wrong.encode())
        injected[f"invalid flush: {kind}"] += 1


def _retries(sends: list[Send], end: int, rng: Random, injected: "Counter[str]") -> list[Send]:
    """Return retries with the same bytes: soon, over the same or another connection, or after everything else."""
    again = []
    for send in rng.sample(sends, round(len(sends) * RETRIED_SHARE)):
        kind = rng.choice(("retry, same connection", "retry, other connection", "retry, long after"))
        at = end + 1 if kind == "retry, long after" else send.at + rng.randint(100, 60_000)
        again.append(replace(send, at=at, connection=int(kind != "retry, same connection")))
        injected[kind] += 1
    return again


def _records(sends: list[Send], partitions: int, rng: Random, injected: "Counter[str]") -> Iterator[Step]:
    """Yield the records: most have one line, some are packed by partition, some go to a wrong partition."""
    for start in range(0, len(sends), PACKED_TOGETHER):
        alone = sends[start : start + PACKED_TOGETHER]
        if rng.randrange(PACKED_EVERY) == 0:
            small = [send for send in alone if len(send.value) <= LARGEST_PACKED_BYTES]
            alone = [send for send in alone if len(send.value) > LARGEST_PACKED_BYTES]
            yield from _packed(small, partitions, rng, injected)
        for send in alone:
            partition, good = None, send.good
            if rng.random() < MISROUTED_SHARE:
                partition = (home_of(send.user_id, partitions) + rng.randint(1, partitions - 1)) % partitions
                good = False
                injected["record in a wrong partition"] += 1
            yield Step(send.at, IMPRESSIONS, send.user_id.encode(), send.value, partition, send.connection, good)


def _packed(sends: Iterable[Send], partitions: int, rng: Random, injected: "Counter[str]") -> Iterator[Step]:
    """Yield one record per partition; one line in twenty goes to the next one's, and a broken line may be inserted."""
    packs: dict[int, list[Send]] = defaultdict(list)
    for send in sends:
        stray = partitions > 1 and rng.random() < 0.05
        injected["packed line in a wrong partition"] += stray
        packs[(home_of(send.user_id, partitions) + stray) % partitions].append(send)
    for partition, pack in sorted(packs.items()):
        lines = [send.value.removesuffix(b"\n") for send in pack]
        if rng.random() < 0.3:
            lines.insert(rng.randint(0, len(lines)), rng.choice((b"", b"{", b"\xff", b"null")))
            injected["broken line in a packed record"] += 1
        injected["packed record"] += 1
        # An empty line at the end only counts with its own line feed.
        end = b"\n" if rng.random() < 0.5 or not lines[-1] else b""
        yield Step(max(send.at for send in pack), IMPRESSIONS, None, b"\n".join(lines) + end, partition)


def _broken_records(drafts: list[Draft], partitions: int, rng: Random, injected: "Counter[str]") -> Iterator[Step]:
    """Yield a record of each malformed kind, in a random partition: its user can't be known."""
    draft = rng.choice(drafts)
    for kind, value in malformed_values(draft).items():
        yield Step(_any_time(drafts, rng), IMPRESSIONS, None, value, rng.randrange(partitions))
        injected[f"malformed: {kind}"] += 1


def _any_time(drafts: list[Draft], rng: Random) -> int:
    return rng.choice(drafts).at
