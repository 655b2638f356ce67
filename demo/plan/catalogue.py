"""The catalogue that the demo plays: artworks catalogued from the start, late or changed, and records to refuse."""

from collections import Counter
from random import Random

from demo.plan.drafts import compact, home_pool
from demo.plan.events import artwork_id
from demo.plan.steps import ARTWORKS, Step

# The items of the log are numbered 0 to 79.
ARTWORK_COUNT = 80
LEARNED_MIDWAY = 8
LEARNED_AFTERWARDS = 4
NEVER_LEARNED = 2
# Eighths are exact in any floating point column.
DNA_STEP = 8


def catalogue_steps(start: int, end: int, rng: Random, injected: "Counter[str]") -> list[Step]:
    """Return the records of `artworks.v1` from just before `start` to just after `end` (ms on the log's clock)."""
    numbers = list(range(ARTWORK_COUNT))
    rng.shuffle(numbers)
    afterwards = [numbers.pop() for _ in range(LEARNED_AFTERWARDS)]
    midway = [numbers.pop() for _ in range(LEARNED_MIDWAY)]
    numbers = numbers[NEVER_LEARNED:]
    middle = (start + end) // 2
    retired, gone, changed = numbers[:3]
    moved = next(number for number in numbers[3:] if home_pool(artwork_id(number)) == "main")
    reuse = compact({"pool_id": "main", "ordinal": retired}).encode()
    steps = [_record(start - 1, number, rng) for number in sorted(numbers)]
    steps += [_record(rng.randint(start, end), number, rng) for number in midway]
    steps += [
        _record(middle, retired, rng, retired=True),
        Step(middle, ARTWORKS, artwork_id(gone).encode(), None),
        _record(middle, moved, rng, pool_id="extra"),
        _record(middle, changed, rng, ordinal=1000 + changed),
        Step(middle, ARTWORKS, b"a0900", reuse),
        Step(middle, ARTWORKS, b"a0901", b"not a catalogue record"),
    ]
    steps += [_record(end + 1, number, rng) for number in afterwards]
    injected["artwork learned midway"] = len(midway)
    injected["artwork learned afterwards"] = len(afterwards)
    injected["artwork never learned"] = NEVER_LEARNED
    injected["artwork retired, removed, moved"] = 3
    injected["catalogue record to refuse"] = 3
    return steps


def _record(at: int, number: int, rng: Random, **changes: object) -> Step:
    value = {
        "pool_id": home_pool(artwork_id(number)),
        "ordinal": number,
        "created_at": at,
        "dna": [rng.randint(-DNA_STEP, DNA_STEP) / DNA_STEP for _ in range(4)],
    } | changes
    return Step(at, ARTWORKS, artwork_id(number).encode(), compact(value).encode())
