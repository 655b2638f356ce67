"""What users share."""

from random import Random
from typing import TYPE_CHECKING, Protocol

from load.users.ledger import Ledger
from load.users.plan import Plan
from load.users.request import Waiting

if TYPE_CHECKING:
    from load.users.user import User


class Surroundings(Protocol):
    """What users share: the clock, the ledger, and who connects and wakes them."""

    plan: Plan
    ledger: Ledger
    rng: Random
    head: bytes

    def now(self) -> float:
        """Return the time (s since the epoch)."""

    def wake(self, at: float, user: "User", turn: int) -> None:
        """Call `user.woken(turn)` then."""

    def flush_at(self, at: float, user: "User") -> None:
        """Call `user.flush_due(at)` then."""

    def connect(self, user: "User") -> None:
        """Open a connection and hand it to the user."""

    def acknowledged(self, user: "User", flush: "Waiting", after: float) -> None:
        """A flush was acknowledged for the first time, so long (s) after it was due."""

    def finished(self, impressions: int) -> None:
        """So many impressions need nothing more: their flushes were acknowledged or refused."""
