"""Tokens: one for all that a producer sends, or one for each user; asked for again before it ends, or once refused."""

import base64
import binascii
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import orjson

from impression_streams import native

Token = str | Callable[[], str]
UserToken = Callable[[str], str]

# What a header may hold (RFC 6750, section 2.1), which every PASETO and JWS is made of.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
MAX_TOKEN = 4096
EXPECTED = "the text of a PASETO or JWS, without `Bearer`"
# A token is asked for again so long before it ends: longer than a request takes, and than clocks differ.
AHEAD_SECONDS = 30.0
# So many users' tokens are kept, a few hundred bytes each; those asked for first are forgotten first.
MAX_HELD = 10_000
# The Ed25519 signature behind a PASETO's claims.
_SIGNATURE_BYTES = 64


class TokenError(Exception):
    """There is no token to send; the message never contains one, nor what may have led to one."""


class _Held(NamedTuple):
    token: str
    ends: float | None  # s since the epoch


class Tokens:
    """Hands out tokens. The threads of connections ask for them, one at a time; any thread may refuse one."""

    def __init__(self, token: Token | None = None, user_token: UserToken | None = None) -> None:
        """Raise ValueError for what is no token."""
        if token is not None and user_token is not None:
            raise ValueError("token, user_token: one of them is expected, not both")
        if isinstance(token, str):
            check(token)
        elif token is not None and not callable(token):
            raise ValueError(f"token: a text or a function is expected, not {type(token).__name__}")
        if user_token is not None and not callable(user_token):
            raise ValueError(f"user_token: a function is expected, not {type(user_token).__name__}")
        self.is_by_user = user_token is not None
        self.can_renew = callable(token) or self.is_by_user
        self._given = token if isinstance(token, str) else None
        self._ask: UserToken | None = user_token
        if callable(token):
            self._ask = _ignoring_user(token)
        self._held: dict[str, _Held] = {}
        self._lock = native.rlock()

    def get(self, user_id: str = "") -> str | None:
        """Return the token, None if there is none. Raises TokenError if the caller's function gave none."""
        if self._ask is None:
            return self._given
        with self._lock:
            held = self._held.get(user_id)
            if held is None or (held.ends is not None and time.time() >= held.ends - AHEAD_SECONDS):
                self.refuse(user_id)
                token = _asked(self._ask, user_id)
                held = self._held[user_id] = _Held(token, expiry(token))
                while len(self._held) > MAX_HELD:
                    self.refuse(next(iter(self._held)))
            return held.token

    def refuse(self, user_id: str = "") -> None:
        """Forget a token. It waits for nobody, also while one is being asked for."""
        self._held.pop(user_id, None)


def _ignoring_user(ask: Callable[[], str]) -> UserToken:
    return lambda user_id: ask()


def _asked(ask: UserToken, user_id: str) -> str:
    try:
        token = ask(user_id)
    except BaseException as error:  # of whatever kind, such as gevent's Timeout: it may be over in a moment
        raise TokenError(f"the function that gives tokens raised {type(error).__name__}") from None
    try:
        check(token)
    except ValueError as error:
        raise TokenError(f"the function that gives tokens returned none: {error}") from None
    return token


def check(token: object) -> None:
    """Raise ValueError, without the token, for what can't be sent as one."""
    if not isinstance(token, str):
        raise ValueError(f"token: {EXPECTED} is expected, not {type(token).__name__}")
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"token: {EXPECTED} is expected, and this has other characters or none")
    if len(token) > MAX_TOKEN:
        raise ValueError(f"token: it has {len(token)} characters, {MAX_TOKEN} are allowed")


def expiry(token: str) -> float | None:
    """Return when a token ends (s since the epoch), as it says itself unverified; None if it doesn't."""
    parts = token.split(".")
    try:
        is_paseto = token.startswith("v4.public.")
        claims = _decoded(parts[2])[:-_SIGNATURE_BYTES] if is_paseto else _decoded(parts[1])
        ends = orjson.loads(claims)["exp"]
        return datetime.fromisoformat(ends).timestamp() if isinstance(ends, str) else float(ends)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, binascii.Error):
        return None


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
