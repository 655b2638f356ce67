"""Whatever stands where a token, an address or a header should: one kind of error, and nothing else is believed."""

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.collector.rules import proxy_protocol
from streams.collector.rules.addresses import Proxies, key
from streams.collector.rules.bodies import UnsupportedError, is_gzip
from streams.collector.rules.proxy_protocol import BadProxyHeaderError
from streams.collector.rules.tokens import TokenError
from tests.unit.collector.test_tokens import EXP, NOW, as_jws, as_paseto, tokens

CLAIMS = {"sub": "u1", "exp": EXP}
PASETO, JWS = as_paseto(CLAIMS), as_jws(CLAIMS, alg="Ed25519")
TOKENS = tokens()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)

edits = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), st.text("Aa0_-=.+/ é", max_size=5)), max_size=3)


@given(st.sampled_from([PASETO, JWS]), edits)
@settings(max_examples=200)
def test_a_changed_token_is_refused(token: str, changes: list[tuple[float, int, str]]) -> None:
    text = token
    for place, length, new in changes:
        at = int(place * len(text))
        text = text[:at] + new + text[at + length :]
    if text == token:
        assert TOKENS.claims(text, NOW).sub == "u1"
    else:
        with pytest.raises(TokenError):
            TOKENS.claims(text, NOW)


@given(st.text() | st.text("v4.publicAe30", max_size=30))
@example("v4.public.")
def test_any_text_is_no_token(text: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.claims(text, NOW)


@given(st.fixed_dictionaries({}, optional={name: JSON for name in ("sub", "exp", "nbf", "pools", "origin", "more")}))
def test_any_claims_are_read_or_refused(claims: dict[str, object]) -> None:
    with suppress(TokenError):
        assert isinstance(TOKENS.claims(as_jws(claims, alg="Ed25519"), NOW).sub, str)


hops = st.lists(
    st.sampled_from(["1.1.1.1", "10.1.1.1", "2001:db8::1", "[::1]:80", "unknown", "", " 9.9.9.9 ", '"', "for=1.1.1.1"])
    | st.text(max_size=6),
    max_size=5,
)


@given(hops, st.text(max_size=20), st.sampled_from(["x-forwarded-for", "forwarded"]))
def test_nothing_that_a_client_writes_changes_what_a_proxy_wrote(written: list[str], forged: str, header: str) -> None:
    proxies = Proxies(["10.0.0.0/8"], header=header)  # type: ignore[arg-type]
    form = "{}" if header == "x-forwarded-for" else "for={}"
    values = [each for each in written if '"' not in each]
    assert isinstance(key(proxies.client("10.0.0.1", [",".join(written)])), str)
    honest = ",".join([*values, form.format("1.2.3.4"), form.format("10.2.2.2")])
    assert proxies.client("10.0.0.1", [honest]) == "1.2.3.4"
    assert proxies.client("10.0.0.1", [forged.replace('"', ""), honest]) == "1.2.3.4"
    assert proxies.client("7.7.7.7", [honest]) == "7.7.7.7"


@given(st.binary(max_size=60), st.sampled_from([b"", b"PROXY TCP4 ", proxy_protocol._SIGNATURE]))
def test_any_bytes_are_a_proxys_header_or_are_not(data: bytes, start: bytes) -> None:
    with suppress(BadProxyHeaderError):
        found = proxy_protocol.read(start + data)
        assert found is None or 0 < found.size <= len(start + data)


@given(st.text(), st.text(), st.text())
def test_any_headers_are_taken_or_are_not(content_type: str, content_encoding: str, query: str) -> None:
    with suppress(UnsupportedError):
        assert is_gzip(content_type, content_encoding, query) in (True, False)
    with suppress(UnsupportedError):
        assert is_gzip("text/plain;" + content_type, "", "encoding=" + query) in (True, False)
