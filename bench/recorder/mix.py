"""What a setting costs the browser: the model's flushes, each at the price that a flush of its size had."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any


def price(sizes: Mapping[str, Mapping[str, float]], name: str, impressions: int) -> float:
    """Return the cost of a flush of so many impressions, between those that were measured; beyond, as the last two."""
    points: list[tuple[int, float]] = sorted((int(size), each[name]) for size, each in sizes.items())
    for (low, least), (high, most) in pairwise(points):
        if impressions <= high or (high, most) == points[-1]:
            return least + (most - least) * (impressions - low) / (high - low)
    raise ValueError("two sizes are needed to say what lies between them")


def browser_cpu(cell: Mapping[str, Any], flushes: Mapping[str, Mapping[str, float]], name: str) -> float:
    """Return the CPU time (ms) of 100 impressions; `cell` as the model has it. Of an exit, a request is one."""
    requests: list[tuple[str, float]] = [*cell["live"].items(), *cell["exits"].items()]
    return sum(count * price(flushes, name, int(size)) for size, count in requests)
