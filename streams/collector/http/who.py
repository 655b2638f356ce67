"""Who asks: the user that a read's token names."""

import time

from starlette.requests import Request

from streams.collector import observe
from streams.collector.reads.answers import ProblemError
from streams.collector.reads.requests import Claims
from streams.collector.rules.authority import bearer
from streams.collector.rules.tokens import TokenError, Tokens

# What RFC 6750 wants with every 401.
CHALLENGE = {"www_authenticate": "Bearer"}


def claims(tokens: Tokens | None) -> Claims:
    """Return the function that tells a request's user: the only one whom it may read; None where tokens are off."""

    def user(request: Request) -> str | None:
        if tokens is None:
            return None
        token = bearer(request.headers.get("authorization", ""))
        if not token:
            observe.token_failed("missing")
            raise ProblemError(401, "missing", "this needs a token: Authorization: Bearer ...", **CHALLENGE)
        try:
            return tokens.claims(token, time.time(), request.headers.get("origin", "")).sub
        except TokenError as error:
            observe.token_failed(error.reason)
            raise ProblemError(401, error.reason, error.detail, **CHALLENGE) from None

    return user
