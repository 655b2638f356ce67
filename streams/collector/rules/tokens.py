"""Signed tokens: who may record for which user (contract §6). Verified by a public key, never looked up.

Two formats, both Ed25519: PASETO v4.public, and a JWS in its compact form with the algorithm EdDSA. The key's id
(`kid`, in PASETO's footer or JWS's header) chooses the key; what is signed names `sub` and `exp`, and may name `pools`,
`origin` and `nbf`. Everything else in it is ignored.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from streams.collector.rules import token_keys, token_text
from streams.collector.rules.token_text import Claims, TokenError

__all__ = ["Claims", "TokenError", "Tokens"]

# Clocks of issuers differ from ours by less (s).
LEEWAY_SECONDS = 30
# Tokens that are known to be genuine: about 400 bytes each.
MOST_CACHED = 20_000


class Tokens:
    """Verifies tokens by their issuers' keys. A genuine one is verified once, and remembered until it expires."""

    def __init__(self, keys: Mapping[str, token_keys.Key], most_cached: int = MOST_CACHED) -> None:
        self.keys, self._most_cached = keys, most_cached
        # By digest: a token may be 4 KiB long. Only genuine ones, so that nobody else's can displace them.
        self._cached: OrderedDict[bytes, Claims] = OrderedDict()
        self.verified = 0  # signatures that were computed

    @classmethod
    def load(cls, path: Path) -> "Tokens":
        """Read a key file (docs/reference/tokens.md). Raises UserError that says what is wrong with it."""
        return cls(token_keys.load(path))

    def claims(self, text: str, now_s: float, origin: str = "") -> Claims:
        """Return what a token says, at a time by the wall clock (s) and for a page's origin ("" if there is none).

        Raises TokenError if it is not genuine, not valid now, or not valid for this origin.
        """
        digest = sha256(text.encode("utf-8", "replace")).digest()
        claims = self._cached.get(digest)
        if claims is None:
            self.verified += 1
            claims = token_text.verify(text, self.keys)
            _check_time(claims, now_s)
            if len(self._cached) >= self._most_cached:
                self._cached.popitem(last=False)
            self._cached[digest] = claims
        else:
            self._cached.move_to_end(digest)
            _check_time(claims, now_s)
        if claims.origin is not None and origin not in claims.origin:
            raise TokenError("origin", "the token is for another origin")
        return claims


def _check_time(claims: Claims, now_s: float) -> None:
    if now_s >= claims.exp + LEEWAY_SECONDS:
        raise TokenError("expired", "the token has expired")
    if now_s < claims.nbf - LEEWAY_SECONDS:
        raise TokenError("early", "the token is not valid yet")
