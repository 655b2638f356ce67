"""What the users are to do: how many, how much, how patiently. A plan comes from outside, as JSON."""

import json
from dataclasses import asdict, dataclass, field
from math import sqrt
from typing import Any


@dataclass(frozen=True, slots=True)
class Patience:
    """How long users wait, all in s. The collector's own deadline is shorter than `request`, so that it can answer."""

    request: float = 20.0
    connect: float = 5.0
    first_backoff: float = 0.25
    longest_backoff: float = 10.0
    """Of a retry whose server named no time."""
    drain: float = 180.0
    """How long the users go on sending after they have stopped seeing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`impressions` in all, seen within `seconds` by `users` users, of `artworks` artworks of one pool.

    The times of each user are a Poisson process. (They are drawn at once for all users, and each time is given to a
    user at random, which is the same.) Users flush what they have seen after `flush_seconds`, or once it is `batch`.
    `repeats` is the share of impressions of an artwork that the user has just seen; `doubles` the share of requests
    that are sent a second time after they were acknowledged. Both must come to nothing but duplicates.
    """

    url: str
    prefix: str
    """How the ids of users begin; no other run may have used it."""
    users: int
    impressions: int
    seconds: float
    artworks: int
    ledger: str = ""
    """The file for the users' ledger; empty: none."""
    pool: str = "main"
    flush_seconds: float = 2.0
    batch: int = 20
    repeats: float = 0.02
    doubles: float = 0.02
    watched: int = 0
    """How many users' coverage and unseen artworks are asked for, after their flushes were acknowledged."""
    seed: int = 1
    patience: Patience = field(default_factory=Patience)

    def to_json(self) -> str:
        """Return it as a line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Plan":
        """Read a line that `to_json` wrote."""
        values: dict[str, Any] = json.loads(line)
        return cls(**{**values, "patience": Patience(**values["patience"])})

    def user_id(self, user: int) -> str:
        """Return a user's id."""
        return f"{self.prefix}{user:05d}"


def artwork_id(artwork: int) -> str:
    """Return the id of the artwork with this ordinal."""
    return f"a{artwork:05d}"


def fewest_artworks(impressions: int, users: int) -> int:
    """Return how large a catalogue must be for no user to run out of artworks.

    A user's number of impressions is Poisson distributed; eight standard deviations above its mean are out of reach
    for any number of users.
    """
    mean = impressions / users
    return max(100, round(mean + 8 * sqrt(mean)) + 10)
