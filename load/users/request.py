"""What is sent: flushes on their way, and the request that carries some of them until they are acknowledged."""

import json
from typing import NamedTuple


class Waiting(NamedTuple):
    """A flush on its way: its row in the ledger, its bytes, how many impressions it has.

    `first_seen`: the time (s) of the first of them; `distinct`: how many artworks the user has seen after all of them.
    """

    row: int
    line: bytes
    impressions: int
    first_seen: float
    distinct: int


class Request:
    """Flushes that are sent together until they are acknowledged; `again`: once more, on purpose."""

    __slots__ = ("acknowledged", "again", "body", "flushes")

    def __init__(self, flushes: list[Waiting], again: bool) -> None:
        self.flushes, self.again, self.acknowledged = flushes, again, False
        self.body = b"\n".join(each.line for each in flushes)

    @property
    def impressions(self) -> int:
        """How many impressions it carries."""
        return sum(each.impressions for each in self.flushes)


def counted(body: bytes) -> tuple[int, int] | None:
    """Return how many impressions an answer says were accepted and rejected; None if it says something else."""
    try:
        said = json.loads(body)
        return int(said["accepted"]), len(said["rejected"])
    except (ValueError, KeyError, TypeError):
        return None
