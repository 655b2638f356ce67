"""How impressions arrive in a session: a model of somebody who scrolls."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

# What the eye needs to be somewhere else, and what the recorder's rule asks for: half visible for a second.
SCROLL_SECONDS, RULE_SECONDS = 0.5, 1.0
# How much stops and sessions differ in length: the standard deviation of its logarithm.
LOOK_SPREAD, SESSION_SPREAD = 0.8, 0.7
SHORTEST_SESSION, LONGEST_SESSION = 10.0, 1_800.0
AWAY_MEDIAN = 20.0


@dataclass(frozen=True, slots=True)
class Viewer:
    """A kind of viewer. Times in s, medians; `artworks`: new ones at a stop, on average, at least one."""

    name: str
    title: str
    artworks: float
    look: float
    session: float = 180.0
    away: float = 0.02
    """The share of stops after which somebody looks at another tab for a while."""


@dataclass(frozen=True, slots=True)
class Session:
    """Times in s since the page opened. `recorded` is in order, and has equal times for what one stop showed."""

    recorded: tuple[float, ...]
    hidden: tuple[float, ...]
    """When the tab was hidden."""
    end: float
    """When the page went."""


ONE, GALLERY, THUMBNAILS = VIEWERS = (
    Viewer("one", "one artwork at a time", artworks=1, look=4.0),
    Viewer("gallery", "a gallery", artworks=6, look=3.0),
    Viewer("thumbnails", "thumbnails, fast", artworks=24, look=1.5),
)


def session(viewer: Viewer, rng: Random) -> Session:
    """Draw a session."""
    drawn = rng.lognormvariate(math.log(viewer.session), SESSION_SPREAD)
    end = min(max(drawn, SHORTEST_SESSION), LONGEST_SESSION)
    recorded, hidden = list[float](), list[float]()
    now = 0.0
    while True:
        now += SCROLL_SECONDS
        look = max(RULE_SECONDS, rng.lognormvariate(math.log(viewer.look), LOOK_SPREAD))
        seen = now + RULE_SECONDS
        if seen >= end:
            return Session(tuple(recorded), tuple(hidden), end)
        recorded += [seen] * (1 + poisson(viewer.artworks - 1, rng))
        now += look
        if rng.random() < viewer.away and now < end:
            hidden.append(now)
            now += rng.lognormvariate(math.log(AWAY_MEDIAN), LOOK_SPREAD)


def sessions(viewer: Viewer, count: int, seed: int = 1) -> Iterator[Session]:
    """Draw many; the same for the same seed."""
    rng = Random(f"{viewer.name} {seed}")
    for _ in range(count):
        yield session(viewer, rng)


def poisson(mean: float, rng: Random) -> int:
    """Draw a Poisson number by counting exponential gaps; `mean` is small here."""
    number, left = 0, mean - rng.expovariate(1.0)
    while left > 0:
        number += 1
        left -= rng.expovariate(1.0)
    return number
