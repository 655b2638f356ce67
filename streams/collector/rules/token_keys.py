"""The file of issuers' public keys: a JWK set (RFC 7517) of Ed25519 keys (RFC 8037), each with an id.

Several keys at once are what rotation needs: add the new one, let issuers change, remove the old one when the last
token that it signed has expired.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode
from pyseto import Key as PasetoKey
from pyseto.key_interface import KeyInterface

from streams.errors import UserError

MOST_BYTES = 64 * 1024
MOST_KEYS = 100
_KEY_BYTES = 32
MOST_ID_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Key:
    """One issuer's public key, as each of the two libraries wants it."""

    jws: OKPKey
    paseto: KeyInterface


def load(path: Path) -> dict[str, Key]:
    """Read a key file. Raises UserError that says what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"The key file {path} can't be read ({error.strerror}).") from None
    try:
        return read(data)
    except UserError as error:
        raise UserError(f"The key file {path} is wrong: {error}") from None


def read(data: bytes) -> dict[str, Key]:
    """Return the keys of a JWK set by their ids. Raises UserError."""
    if len(data) > MOST_BYTES:
        raise UserError(f"it has more than {MOST_BYTES} bytes.")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise UserError("it is not JSON.") from None
    entries = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_KEYS:
        raise UserError(f'it must be a JWK set: {{"keys":[…]}} with 1 to {MOST_KEYS} keys.')
    keys: dict[str, Key] = {}
    for number, entry in enumerate(entries):
        kid, key = _read_key(number, entry)
        if kid in keys:
            raise UserError(f"two keys have the id {kid!r}.")
        keys[kid] = key
    return keys


def _read_key(number: int, entry: Any) -> tuple[str, Key]:
    where = f"key {number}"
    if not isinstance(entry, dict):
        raise UserError(f"{where} is not an object.")
    kid = entry.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= MOST_ID_CHARACTERS:
        raise UserError(f"{where} needs an id: a `kid` of 1 to {MOST_ID_CHARACTERS} characters.")
    where = f"key {kid!r}"
    if "d" in entry:
        raise UserError(f"{where} is a private key (it has a `d`): only its issuer may have that one.")
    if entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
        raise UserError(f"{where} is not an Ed25519 key: `kty` must be OKP, and `crv` Ed25519.")
    x = entry["x"] if isinstance(entry.get("x"), str) else ""
    try:
        raw = urlsafe_b64decode(x.encode())
        if len(raw) != _KEY_BYTES:
            raise ValueError
        jws = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
        return kid, Key(jws, PasetoKey.from_asymmetric_key_params(4, x=raw))
    except (ValueError, JoseError):
        raise UserError(f"{where} needs its public key: an `x` of {_KEY_BYTES} bytes in base64url.") from None
