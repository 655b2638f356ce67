"""By what a request may record: the token of its header, and token lines in its body (contract §6)."""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import MsgspecError, Struct, json

from streams.collector.rules.tokens import Claims, TokenError, Tokens

# `{"token":"…"}` with the longest token, and room for spaces.
_TOKEN_LINE_BYTES = 5_000


@dataclass(slots=True)
class Authority:
    """By what a request may record: its tokens, checked at `now_s` (s) for the page `origin` ("" if there is none)."""

    tokens: Tokens
    now_s: float
    origin: str = ""
    bearer: str = ""  # the token of its Authorization header, "" if it has none


class Permission:
    """What the token in force covers, from line to line; without an authority, everything is covered."""

    def __init__(self, authority: Authority | None) -> None:
        self._authority = authority
        self._claims: Claims | None = None
        # What is wrong with the first token that is missing or not valid: a word and a sentence, "" if nothing is.
        self.reason = self.error = ""
        self.checked = 0  # tokens
        if authority is not None and authority.bearer:
            self.take(authority.bearer)

    def take(self, token: str) -> None:
        """Let a token be in force. If it isn't valid, nothing is covered from here on, not even by the header."""
        if self._authority is None:
            return
        self.checked += 1
        try:
            self._claims = self._authority.tokens.claims(token, self._authority.now_s, self._authority.origin)
        except TokenError as error:
            self._claims = None
            self._blame(error.reason, error.detail)

    def covers(self, user_id: str, pool_ids: Iterable[str]) -> bool:
        """Say whether impressions of a user that name these pools may be recorded; "" names none."""
        if self._authority is None:
            return True
        claims = self._claims
        if claims is None:
            self._blame("missing", "every flush needs a token here, and none came before this one")
            return False
        pools = claims.pools
        return claims.sub == user_id and (pools is None or all(not each or each in pools for each in pool_ids))

    def _blame(self, reason: str, error: str) -> None:
        if not self.reason:
            self.reason, self.error = reason, error


class _TokenLine(Struct, forbid_unknown_fields=True):
    token: str


_read = json.Decoder(_TokenLine).decode


def token_of(line: bytes) -> str | None:
    """Return the token of a token line: an object whose only field is `token`, a text; all of it is ASCII."""
    if len(line) > _TOKEN_LINE_BYTES or not line.isascii():
        return None
    try:
        return _read(line).token
    except MsgspecError:
        return None


def bearer(authorization: str) -> str:
    """Return the token of an Authorization header, "" if it has none."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
