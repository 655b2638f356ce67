"""Receives a request's body: within its limits of bytes and time, and within the budget."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from streams.collector.http.limits import Limits
from streams.collector.rules.bodies import Body, BodyError
from streams.collector.rules.budget import Share

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class LateBodyError(BodyError):
    """A body that doesn't come."""

    status = HTTPStatus.REQUEST_TIMEOUT


class FullError(Exception):
    """The budget has no room for more of this body: for `size` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size


class GoneError(Exception):
    """The client has closed the connection: nobody is there to be answered."""


async def received(receive: Receive, body: Body, share: Share, limits: Limits) -> bytes:
    """Return the whole body, inflated. What is kept of it is taken from the share.

    Raises a BodyError, FullError and GoneError.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.body_seconds
    more = True
    while more:
        next_piece = loop.time() + limits.piece_seconds
        try:
            async with asyncio.timeout_at(min(next_piece, end)):
                message = await receive()
        except TimeoutError:
            if next_piece < end:
                raise LateBodyError("piece_time", f"nothing of the body came for {limits.piece_seconds:g} s") from None
            raise LateBodyError("body_time", f"the body took more than {limits.body_seconds:g} s") from None
        if message["type"] == "http.disconnect":
            raise GoneError
        kept = body.feed(message.get("body", b""))
        if not share.grow(kept):
            raise FullError(kept)
        more = message.get("more_body", False)
    return body.finish()
