"""Named sessions (`session_id`): which exist, who uses one, and when they end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from streams.embedded.clickhouse.errors import (
    SESSION_IS_LOCKED,
    SESSION_NOT_FOUND,
    TOO_MANY_SIMULTANEOUS_QUERIES,
    ClickHouseError,
)
from streams.embedded.clickhouse.prepare import Kept
from streams.embedded.clickhouse.users import User

# Of one user. A session that changed nothing is a name; the others hold a handle of the engine.
_MOST_NAMES = 10_000
_MOST_HANDLES = 200


@dataclass(frozen=True)
class SessionName:
    """A named session that a request belongs to. `seconds` is how long it lives after the request."""

    name: str
    seconds: float
    must_exist: bool
    closes: bool


@dataclass
class Named:
    """A named session. `seconds` is how long it lives after a request."""

    user: User
    name: str
    seconds: float
    kept: Kept = field(default_factory=Kept)
    in_use: bool = False
    ends: asyncio.TimerHandle | None = None


class NamedSessions:
    """The named sessions of all users; used by the event loop alone. Two users' sessions of one name are two."""

    def __init__(self, end: Callable[[Kept], None]) -> None:
        """`end` closes the handle of a session that has ended, without blocking."""
        self._all: dict[tuple[User, str], Named] = {}
        self._end = end

    def take(self, user: User, wanted: SessionName) -> Named:
        """Return a session for one request, which gives it back.

        Raises SESSION_NOT_FOUND if it must exist and doesn't, SESSION_IS_LOCKED if another request uses it, and
        TOO_MANY_SIMULTANEOUS_QUERIES for a new session beyond the limits.
        """
        name = wanted.name
        found = self._all.get((user, name))
        if found is None:
            if wanted.must_exist:
                raise ClickHouseError(SESSION_NOT_FOUND, f"Session {name} not found.")
            self._make_room(user)
            found = self._all[user, name] = Named(user, name, wanted.seconds)
        elif found.in_use:
            raise ClickHouseError(SESSION_IS_LOCKED, f"Session {name} is locked by a concurrent client.")
        if found.ends is not None:
            found.ends.cancel()
        found.in_use = True
        found.seconds = wanted.seconds
        return found

    def _make_room(self, user: User) -> None:
        of_user = [one for one in self._all.values() if one.user is user]
        if len(of_user) >= _MOST_NAMES or sum(one.kept.holds for one in of_user) >= _MOST_HANDLES:
            raise ClickHouseError(TOO_MANY_SIMULTANEOUS_QUERIES, f"Too many sessions of {user.value}.")

    def give_back(self, named: Named, close: bool = False) -> None:
        """End the use of a session by a request, and the session itself if nobody uses it in time."""
        named.in_use = False
        if close:
            self._expire(named)
        else:
            named.ends = asyncio.get_running_loop().call_later(named.seconds, self._expire, named)

    def close(self) -> list[Kept]:
        """End all sessions; return what is still open."""
        for named in self._all.values():
            if named.ends is not None:
                named.ends.cancel()
        kept = [named.kept for named in self._all.values()]
        self._all.clear()
        return kept

    def _expire(self, named: Named) -> None:
        if self._all.get((named.user, named.name)) is named:
            del self._all[named.user, named.name]
        self._end(named.kept)
