"""Tokens of both formats: what a genuine one says, every way in which one isn't, and what is remembered."""

import base64
import json
import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey
from pyseto import Key as PasetoKey
from pyseto import Paseto

from streams.collector.rules.token_keys import read as read_keys
from streams.collector.rules.token_text import MOST_CHARACTERS
from streams.collector.rules.tokens import LEEWAY_SECONDS, Claims, TokenError, Tokens

NOW = 1_732_431_600.0
EXP = int(NOW) + 600
OURS, OTHERS = OKPKey.generate_key("Ed25519"), OKPKey.generate_key("Ed25519")
JSON = dict[str, Any]
# Signs these claims, with this key and this id.
Issue = Callable[..., str]


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def public(key: OKPKey, kid: str) -> JSON:
    return key.as_dict(private=False) | {"kid": kid, "use": "sig", "alg": "EdDSA"}


def key_set(**keys: OKPKey) -> bytes:
    return json.dumps({"keys": [public(key, kid) for kid, key in keys.items()]}).encode()


def tokens(most_cached: int = 100, **keys: OKPKey) -> Tokens:
    return Tokens(read_keys(key_set(**(keys or {"k1": OURS}))), most_cached)


def as_jws(claims: JSON | bytes, key: OKPKey = OURS, kid: str | None = "k1", **header: Any) -> str:
    header = {"alg": "EdDSA", "typ": "JWT"} | ({} if kid is None else {"kid": kid}) | header
    text = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return jws.serialize_compact(header, text, key, algorithms=["EdDSA", "Ed25519"])


def as_paseto(claims: JSON | bytes, key: OKPKey = OURS, kid: str | None = "k1") -> str:
    secret = PasetoKey.from_asymmetric_key_params(4, d=raw(str(key.as_dict(private=True)["d"])))
    if not isinstance(claims, bytes):
        times = {
            name: datetime.fromtimestamp(claims[name], UTC).isoformat() for name in ("exp", "nbf") if name in claims
        }
        claims = json.dumps(claims | times).encode()
    footer = b"" if kid is None else json.dumps({"kid": kid}).encode()
    return Paseto.new().encode(secret, claims, footer).decode()


# The library says so of the older name at each token that the tests sign.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
FORMATS = pytest.mark.parametrize("issue", [as_jws, as_paseto])


def reason(text: str, now_s: float = NOW, origin: str = "", by: Tokens | None = None) -> str:
    with pytest.raises(TokenError) as caught:
        (by or tokens()).claims(text, now_s, origin)
    assert len(text) < 20 or text[:20] not in caught.value.detail
    return caught.value.reason


@FORMATS
def test_a_genuine_token_says_whose_it_is(issue: Issue) -> None:
    assert tokens().claims(issue({"sub": "u1", "exp": EXP}), NOW) == Claims("u1", EXP)
    full = {"sub": "u1", "exp": EXP, "nbf": NOW, "pools": ["main", "side"], "origin": "https://a.example", "iat": 1}
    assert tokens().claims(issue(full), NOW, "https://a.example") == Claims(
        "u1", EXP, frozenset({"main", "side"}), frozenset({"https://a.example"}), NOW
    )


@FORMATS
def test_the_id_chooses_the_key(issue: Issue) -> None:
    both = tokens(old=OTHERS, new=OURS)
    claims = {"sub": "u1", "exp": EXP}
    assert both.claims(issue(claims, OTHERS, "old"), NOW) == both.claims(issue(claims, OURS, "new"), NOW)
    assert reason(issue(claims, OURS, "old"), by=both) == "signature"
    # The old key was taken out of the file.
    assert reason(issue(claims, OTHERS, "old"), by=tokens(new=OURS)) == "key"
    assert reason(issue(claims, OURS, None)) == "key"


@FORMATS
def test_a_token_expires_with_little_leeway(issue: Issue) -> None:
    by, text = tokens(), issue({"sub": "u1", "exp": EXP})
    by.claims(text, EXP + LEEWAY_SECONDS - 1)
    # Whether it is remembered or not.
    assert reason(text, EXP + LEEWAY_SECONDS, by=by) == reason(text, EXP + LEEWAY_SECONDS) == "expired"


@FORMATS
def test_a_token_may_begin_later(issue: Issue) -> None:
    text = issue({"sub": "u1", "exp": EXP, "nbf": NOW})
    tokens().claims(text, NOW - LEEWAY_SECONDS)
    assert reason(text, NOW - LEEWAY_SECONDS - 1) == "early"


@FORMATS
def test_a_token_for_an_origin_is_for_no_other_and_not_for_none(issue: Issue) -> None:
    claims = {"sub": "u1", "exp": EXP, "origin": ["https://a.example", "https://b.example"]}
    by, text = tokens(), issue(claims)
    assert by.claims(text, NOW, "https://b.example").sub == "u1"
    for origin in ("https://c.example", "", "null"):
        assert reason(text, origin=origin, by=by) == "origin"


@FORMATS
@pytest.mark.parametrize(
    "claims",
    [
        {"exp": EXP},
        {"sub": "u1"},
        {"sub": "auth0|u1", "exp": EXP},
        {"sub": "", "exp": EXP},
        {"sub": 1, "exp": EXP},
        {"sub": "u1", "exp": EXP, "pools": "main"},
        {"sub": "u1", "exp": EXP, "pools": ["a b"]},
        {"sub": "u1", "exp": EXP, "origin": 1},
        {"sub": "u1", "exp": EXP, "origin": [1]},
        b"[]",
        b"\xff",
        b"not JSON",
        b'{"sub":"u1","exp":null}',
        b'{"sub":"u1","exp":true}',
        b'{"sub":"u1","exp":"tomorrow"}',
        b'{"sub":"u1","exp":"2039-01-01T00:00:00"}',
        b'{"sub":"u1","exp":1e999}',
    ],
)
def test_claims_that_are_wrong(issue: Issue, claims: JSON | bytes) -> None:
    assert reason(issue(claims)) == "claims"


def test_no_pools_are_none() -> None:
    assert tokens().claims(as_jws({"sub": "u1", "exp": EXP, "pools": []}), NOW).pools == frozenset()


def test_a_time_is_in_the_form_of_its_format() -> None:
    number, text = b'{"sub":"u1","exp":2000000000}', b'{"sub":"u1","exp":"2039-01-01T00:00:00Z"}'
    assert tokens().claims(as_jws(number), NOW).exp == 2_000_000_000
    assert tokens().claims(as_paseto(text), NOW).exp == datetime(2039, 1, 1, tzinfo=UTC).timestamp()
    assert reason(as_jws(text)) == reason(as_paseto(number)) == "claims"


@FORMATS
def test_every_character_of_a_token_is_signed(issue: Issue) -> None:
    text = issue({"sub": "u1", "exp": EXP})
    for at in range(0, len(text), 7):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        assert reason(changed) in {"signature", "malformed", "key", "algorithm", "claims"}


@FORMATS
def test_a_token_has_one_text(issue: Issue) -> None:
    text = issue({"sub": "u1", "exp": EXP})
    # The last character has bits that belong to no byte.
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    same = text[:-1] + alphabet[alphabet.index(text[-1]) + 1]
    assert raw(same.rpartition(".")[2]) == raw(text.rpartition(".")[2])
    assert reason(same) == "malformed"
    for changed in (
        text + "=",
        text + "\n",
        " " + text,
        text.replace(".", "!.", 1),
        text[:-5] + "!" + text[-5:],
        text + ".",
    ):
        assert reason(changed) in {"malformed", "algorithm"}


def test_no_other_algorithm_of_jws_is_taken() -> None:
    claims = json.dumps({"sub": "u1", "exp": EXP}).encode()
    # The classic: the public key as the secret of an HMAC.
    secret = OctKey.import_key(raw(str(OURS.as_dict(private=False)["x"])))
    assert reason(jws.serialize_compact({"alg": "HS256", "kid": "k1"}, claims, secret)) == "algorithm"
    curve = ECKey.generate_key("P-256")
    assert reason(jws.serialize_compact({"alg": "ES256", "kid": "k1"}, claims, curve)) == "algorithm"


def test_none_is_no_algorithm() -> None:
    text = as_jws({"sub": "u1", "exp": EXP})
    _, payload, signature = text.split(".")
    for name in ("none", "None", "NONE", ""):
        header = base64.urlsafe_b64encode(json.dumps({"alg": name, "kid": "k1"}).encode()).rstrip(b"=").decode()
        for end in ("", signature):
            assert reason(f"{header}.{payload}.{end}") == "algorithm"


def signed(header: JSON, claims: JSON) -> str:
    """A JWS with any header, such as the library wouldn't make."""
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    signature = OURS.private_key.sign(b".".join(parts))  # type: ignore[union-attr]
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.parametrize(
    "more", [{"crit": ["more"], "more": 1}, {"crit": 5}, {"crit": [[]]}, {"crit": []}, {"b64": False, "crit": ["b64"]}]
)
def test_what_a_header_demands_must_be_understood(more: JSON) -> None:
    text = signed({"alg": "EdDSA", "kid": "k1"} | more, {"sub": "u1", "exp": EXP})
    assert reason(text) == "algorithm"


@pytest.mark.parametrize(
    "more", [{}, {"alg": "Ed25519"}, {"more": {"a": 1}}, {"typ": 5}, {"jwk": 1}, {"jku": 1}, {"x5c": [1]}]
)
def test_both_names_of_the_algorithm_are_taken_and_other_header_fields_are_ignored(more: JSON) -> None:
    text = signed({"alg": "EdDSA", "kid": "k1"} | more, {"sub": "u1", "exp": EXP})
    assert tokens().claims(text, NOW).sub == "u1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v4.local.AAAA", "algorithm"),
        ("v2.public.AAAA", "algorithm"),
        ("v3.public.AAAA.AAAA", "algorithm"),
        ("v4.public.AAAA", "key"),
        ("v4.public.AAAA.e30", "key"),
        ("v4.public.AAAA.AAAA", "malformed"),
        ("v4.public.AAAA.eyJraWQiOiJrMSJ9", "signature"),
        ("v4.public.", "malformed"),
        ("v4.public.A.B.C", "malformed"),
        ("", "malformed"),
        (".", "malformed"),
        ("..", "malformed"),
        ("A.B.C", "malformed"),
        ("e30.e30.e30", "algorithm"),
        ("bnVsbA.e30.e30", "algorithm"),
        ("\u0435yJ.e30.e30", "malformed"),
        ("\ud800", "malformed"),
        ("A" * (MOST_CHARACTERS + 1), "malformed"),
        ("v4.public." + "A" * MOST_CHARACTERS, "malformed"),
        ("W1tb" * 1_000 + ".A.A", "malformed"),
        ("v4.public.AAAA." + "W1tb" * 1_000, "malformed"),
        ("ew.A.A", "malformed"),
        ("A.A.A", "malformed"),
    ],
)
def test_what_is_no_token(text: str, expected: str) -> None:
    assert reason(text) == expected


@FORMATS
def test_a_genuine_token_is_verified_once(issue: Issue) -> None:
    by, text = tokens(), issue({"sub": "u1", "exp": EXP})
    for _ in range(10):
        by.claims(text, NOW)
    assert by.verified == 1


def test_what_is_remembered_is_bounded_and_only_genuine() -> None:
    by = tokens(most_cached=2)
    first, second, third = (as_jws({"sub": f"u{n}", "exp": EXP}) for n in range(3))
    for text in (first, second):
        by.claims(text, NOW)
    for _ in range(5):
        reason(as_jws({"sub": "u1", "exp": EXP}, OTHERS), by=by)
        reason(as_jws({"sub": "u1", "exp": NOW - 600}), by=by)
    by.claims(first, NOW)
    by.claims(second, NOW)
    assert by.verified == 12
    by.claims(third, NOW)
    by.claims(second, NOW)
    assert by.verified == 13
    by.claims(first, NOW)
    assert by.verified == 14
