"""Issue tokens for recorders: PASETO v4.public, or a JWS with EdDSA.

    python examples/tokens/issue.py key k1 KEYS        # KEYS/k1.private.json, and k1 in KEYS/public.json
    python examples/tokens/issue.py token KEYS/k1.private.json u42
    python examples/tokens/issue.py token KEYS/k1.private.json u42 --jws --minutes 15 --origin https://shop.example

The collector gets KEYS/public.json (IMPRESSIONS_TOKEN_KEY_FILE); the private file stays with whoever issues.
Needs `pip install pyseto joserfc`.
"""

import argparse
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode
from pyseto import Key, Paseto


def make_key(kid: str, folder: Path) -> None:
    """Make a pair of keys, and add the public one to the set that the collector reads."""
    pair = OKPKey.generate_key("Ed25519")
    folder.mkdir(parents=True, exist_ok=True)
    private, public = folder / f"{kid}.private.json", folder / "public.json"
    with open(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({**pair.as_dict(private=True), "kid": kid}, file)
    keys = json.loads(public.read_text())["keys"] if public.exists() else []
    keys.append({**pair.as_dict(private=False), "kid": kid, "alg": "EdDSA", "use": "sig"})
    public.write_text(json.dumps({"keys": keys}, indent=2) + "\n")


def paseto(key: dict[str, str], claims: dict[str, Any]) -> str:
    """Return a PASETO; its times are texts, and its footer names the key."""
    secret = Key.from_asymmetric_key_params(4, d=urlsafe_b64decode(key["d"].encode()))
    payload = {**claims, "exp": datetime.fromtimestamp(claims["exp"], UTC).isoformat()}
    return Paseto.new().encode(secret, json.dumps(payload).encode(), json.dumps({"kid": key["kid"]}).encode()).decode()


def compact_jws(key: dict[str, str], claims: dict[str, Any]) -> str:
    """Return a JWS; its times are seconds, and its header names the key. Ed25519 is EdDSA's newer name (RFC 9864)."""
    header = {"alg": "Ed25519", "typ": "JWT", "kid": key["kid"]}
    private = OKPKey.import_key({name: key[name] for name in ("kty", "crv", "x", "d")})
    return jws.serialize_compact(header, json.dumps(claims), private, algorithms=["Ed25519"])


def main() -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("key", help="make a pair of keys")
    command.add_argument("kid")
    command.add_argument("folder", type=Path)
    command = commands.add_parser("token", help="print a token")
    command.add_argument("private", type=Path)
    command.add_argument("user", help="the only user whose impressions it covers")
    command.add_argument("--minutes", type=float, default=60)
    command.add_argument("--pool", action="append", help="a pool that it covers; again for others; none: all")
    command.add_argument("--origin", help="the only origin from whose pages it is taken")
    command.add_argument("--jws", action="store_true", help="a JWS instead of a PASETO")
    options = parser.parse_args()
    if options.command == "key":
        make_key(options.kid, options.folder)
        return
    claims = {"sub": options.user, "exp": int(time.time() + 60 * options.minutes)}
    claims |= {"pools": options.pool} if options.pool else {}
    claims |= {"origin": options.origin} if options.origin else {}
    key = json.loads(options.private.read_text())
    print(compact_jws(key, claims) if options.jws else paseto(key, claims))


if __name__ == "__main__":
    main()
