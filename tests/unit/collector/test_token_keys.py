"""The file of public keys: what is taken, and a clear sentence for everything else."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.collector.rules.token_keys import MOST_BYTES, MOST_KEYS, read
from streams.collector.rules.tokens import Tokens
from streams.errors import UserError
from tests.unit.collector.test_tokens import EXP, NOW, OTHERS, OURS, as_paseto, key_set, public

GOOD = public(OURS, "k1")


def test_a_key_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(k1=OURS, k2=OTHERS))
    tokens = Tokens.load(path)
    assert tokens.claims(as_paseto({"sub": "u1", "exp": EXP}), NOW).sub == "u1"
    assert tokens.claims(as_paseto({"sub": "u2", "exp": EXP}, OTHERS, "k2"), NOW).sub == "u2"


def test_other_fields_of_a_key_are_ignored() -> None:
    assert list(read(json.dumps({"keys": [GOOD | {"use": "sig", "note": 1}], "more": 2}).encode())) == ["k1"]


def test_what_is_wrong_is_said_with_the_files_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.json can't be read \(No such file"):
        Tokens.load(tmp_path / "none.json")
    path = tmp_path / "keys.json"
    path.write_text("{}")
    with pytest.raises(UserError, match=r"keys\.json is wrong: it must be a JWK set"):
        Tokens.load(path)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (b"", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"x" * (MOST_BYTES + 1), "more than 65536 bytes"),
        ([], "it must be a JWK set"),
        ({"keys": []}, "it must be a JWK set"),
        ({"keys": [GOOD] * (MOST_KEYS + 1)}, "it must be a JWK set"),
        ({"keys": ["k4.public.AAAA"]}, "key 0 is not an object"),
        ({"keys": [GOOD, {**GOOD, "kid": ""}]}, "key 1 needs an id"),
        ({"keys": [{**GOOD, "kid": None}]}, "key 0 needs an id"),
        ({"keys": [{**GOOD, "kid": "x" * 129}]}, "key 0 needs an id"),
        ({"keys": [GOOD, GOOD]}, "two keys have the id 'k1'"),
        ({"keys": [{**GOOD, "d": "AAAA"}]}, "key 'k1' is a private key"),
        ({"keys": [{"kid": "k1", "kty": "oct", "k": "AAAA"}]}, "key 'k1' is not an Ed25519 key"),
        ({"keys": [{**GOOD, "crv": "X25519"}]}, "key 'k1' is not an Ed25519 key"),
        ({"keys": [{**GOOD, "x": "AAAA"}]}, "key 'k1' needs its public key"),
        ({"keys": [{**GOOD, "x": "ä"}]}, "key 'k1' needs its public key"),
        ({"keys": [{**GOOD, "x": 1}]}, "key 'k1' needs its public key"),
        ({"keys": [{**GOOD, "x": GOOD["x"] + "A"}]}, "key 'k1' needs its public key"),
    ],
)
def test_every_mistake_has_a_sentence(value: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read(value if isinstance(value, bytes) else json.dumps(value).encode())
