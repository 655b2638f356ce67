"""What all calls about a user have in common: whom they are about, who asks, their parameters, and being counted."""

import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from streams.collector.reads.answers import ProblemError, away, wrong
from streams.collector.reads.cursors import CursorError
from streams.collector.reads.errors import AwayError, BehindError
from streams.metrics import collector as metrics

# Returns the only user whom a request may read, or None if it may read all: where no tokens are required. Raises
# ProblemError (401) for a token that is missing or not valid.
Claims = Callable[[Request], str | None]
Call = Callable[[Request], Awaitable[Response]]

_ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")


def observed(name: str, call: Call) -> Call:
    """Return a call that never fails for a reason that it knows, and is counted."""

    async def answer(request: Request) -> Response:
        begun = time.perf_counter()
        try:
            response = await call(request)
        except ProblemError as problem:
            response = problem.response()
        except CursorError:
            response = wrong("cursor is not one of this list: leave it out to begin at its start.").response()
        except AwayError as error:
            if not isinstance(error, BehindError):
                metrics.collector_clickhouse_away.inc()
            response = away(str(error)).response()
        metrics.collector_reads.labels(name, str(response.status_code)).inc()
        metrics.collector_read_seconds.labels(name).observe(time.perf_counter() - begun)
        return response

    return answer


def user(request: Request, claims: Claims) -> str:
    """Return the user of the path. Raises ProblemError for one whom the request may not read."""
    only = claims(request)
    user_id = identifier(request.path_params["user"], "The user")
    if only is not None and only != user_id:
        raise ProblemError(403, "forbidden", "The token is another user's.")
    return user_id


def one(request: Request, name: str) -> str | None:
    """Return a parameter, None if it isn't given. Raises ProblemError if it is given twice."""
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise wrong(f"{name} is given {len(given)} times.")
    return given[0] if given else None


def identifier(text: str, what: str) -> str:
    """Return a text that is an id (contract §3). Raises ProblemError for any other."""
    if not 1 <= len(text) <= 128 or not _ID_CHARACTERS.issuperset(text):
        raise wrong(f"{what} is not an id: 1 to 128 of A-Z a-z 0-9 . _ : - is one.")
    return text
