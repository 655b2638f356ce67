"""One token: from its text to what it says. Which format it has is seen at its beginning."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode
from pydantic import TypeAdapter, ValidationError
from pyseto.exceptions import PysetoError
from pyseto.token import Token

from impression_streams.types import Id
from streams.collector.rules.token_keys import Key

# A token with a few claims has 300.
MOST_CHARACTERS = 4_096
_ALGORITHMS = ("EdDSA", "Ed25519")  # RFC 8037's name, and RFC 9864's for the same
# Both libraries read base64url more leniently. One token would then have any number of texts, and places in a cache.
_PASETO = re.compile(r"v4\.public\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?")
_JWS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_OTHER_PASETO = re.compile(r"v[0-9]+\.(?!public\.)|v(?!4\.)[0-9]+\.")
_IDS: TypeAdapter[list[str]] = TypeAdapter(list[Id])


class TokenError(Exception):
    """A token that doesn't authorise: a word for counters, and a sentence that has nothing of the token in it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine token says. `sub` is a user_id; times are in seconds; None means any pool, or any origin."""

    sub: str
    exp: float
    pools: frozenset[str] | None = None
    origin: frozenset[str] | None = None
    nbf: float = 0.0


def verify(text: str, keys: Mapping[str, Key]) -> Claims:
    """Return what a token says if one of the keys signed it, whatever the time. Raises TokenError."""
    if len(text) > MOST_CHARACTERS or not text.isascii():
        raise TokenError("malformed", f"the token is not ASCII, or has more than {MOST_CHARACTERS} characters")
    if _PASETO.fullmatch(text):
        _check_canonical(text.split(".")[2:])
        return _claims(_verify_paseto(text, keys), _iso_time)
    if _OTHER_PASETO.match(text):
        raise TokenError("algorithm", "the token is PASETO, but not v4.public")
    if _JWS.fullmatch(text):
        _check_canonical(text.split("."))
        return _claims(_verify_jws(text, keys), _numeric_time)
    raise TokenError("malformed", "the token is neither PASETO v4.public nor a compact JWS")


def _check_canonical(parts: list[str]) -> None:
    """Raise TokenError unless each part is the one base64url text of its bytes."""
    try:
        if all(urlsafe_b64encode(urlsafe_b64decode(part.encode())) == part.encode() for part in parts):
            return
    except ValueError:
        pass  # not a number of characters that base64 has
    raise TokenError("malformed", "the token is not base64url")


def _verify_paseto(text: str, keys: Mapping[str, Key]) -> bytes:
    try:
        token = Token.new(text)
        assert isinstance(token.payload, bytes)
        assert isinstance(token.footer, bytes)
        footer = orjson.loads(token.footer or b"null")
    except ValueError:
        raise TokenError("malformed", "the token's footer is not JSON") from None
    key = _key(footer, keys)
    try:
        return key.paseto.verify(token.payload, token.footer)
    except (PysetoError, ValueError):
        raise TokenError("signature", "the token's signature is wrong") from None


class _Registry(jws.JWSRegistry):
    """What the library asks about a header that was checked here before."""

    def get_alg(self, name: str) -> Any:
        """Take both names of the algorithm for Ed25519 alone.

        RFC 9864 deprecates the older one because a key of Ed448 would do as well; the library warns of it each time.
        """
        return self.algorithms["Ed25519"]

    def check_header(self, header: dict[str, Any]) -> None:
        """Ignore fields that nothing needs, whatever is in them (RFC 7515, section 4)."""


_REGISTRY = _Registry()


def _verify_jws(text: str, keys: Mapping[str, Key]) -> bytes:
    try:
        header = orjson.loads(urlsafe_b64decode(text.partition(".")[0].encode()))
    except ValueError:
        raise TokenError("malformed", "the token's header is not JSON") from None
    if not isinstance(header, dict) or header.get("alg") not in _ALGORITHMS:
        raise TokenError("algorithm", "the token's algorithm must be EdDSA")
    if "crit" in header or "b64" in header:
        raise TokenError("algorithm", "the token's header demands an extension that is not known here")
    key = _key(header, keys)
    try:
        return jws.deserialize_compact(text, key.jws, registry=_REGISTRY).payload
    except (JoseError, ValueError):
        raise TokenError("signature", "the token's signature is wrong") from None


def _key(named_in: Any, keys: Mapping[str, Key]) -> Key:
    kid = named_in.get("kid") if isinstance(named_in, dict) else None
    if not isinstance(kid, str):
        raise TokenError("key", "the token names no key: it needs a `kid`")
    key = keys.get(kid)
    if key is None:
        raise TokenError("key", "the token names a key that is not known here")
    return key


def _claims(payload: bytes, time: Any) -> Claims:
    try:
        value = orjson.loads(payload)
        if not isinstance(value, dict):
            raise ValueError
        (sub,) = _IDS.validate_python([value.get("sub")], strict=True)
        pools = value.get("pools")
        return Claims(
            sub,
            time(value.get("exp")),
            None if pools is None else frozenset(_IDS.validate_python(pools, strict=True)),
            _origins(value.get("origin")),
            time(value["nbf"]) if "nbf" in value else 0.0,
        )
    except (ValueError, ValidationError, OverflowError):
        raise TokenError("claims", "the token's claims are wrong: `sub` must be a user_id, `exp` a time") from None


def _origins(value: Any) -> frozenset[str] | None:
    if value is None:
        return None
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise ValueError
    return frozenset(values)


def _numeric_time(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError
    return float(value)


def _iso_time(value: Any) -> float:
    if not isinstance(value, str):
        raise ValueError
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError
    return time.timestamp()
