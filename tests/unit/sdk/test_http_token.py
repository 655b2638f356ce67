"""Tokens are asked for again before they end and once they are refused, and never more often."""

import base64
import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from impression_streams.http import token as module
from impression_streams.http.token import AHEAD_SECONDS, TokenError, Tokens, expiry

NOW = 1_764_489_600.0


def encoded(value: object, tail: bytes = b"") -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode() + tail).decode().rstrip("=")


def jws(exp: object) -> str:
    return f"{encoded({'alg': 'EdDSA'})}.{encoded({'sub': 'u1', 'exp': exp})}.c2ln"


def paseto(exp: object) -> str:
    return f"v4.public.{encoded({'sub': 'u1', 'exp': exp}, bytes(64))}.{encoded({'kid': 'k'})}"


@pytest.mark.parametrize("make", [jws, paseto])
@pytest.mark.parametrize("exp", [int(NOW), NOW, "2025-11-30T08:00:00Z", "2025-11-30T08:00:00+00:00"])
def test_the_end_of_a_token_is_read(make: Callable[[object], str], exp: object) -> None:
    assert expiry(make(exp)) == NOW


@pytest.mark.parametrize(
    "token", ["opaque", "a.b.c", "v4.public", "v4.public.x", jws("soon"), jws(None), jws([1]), "a.!.c", "..", jws({})]
)
def test_a_token_that_names_no_end_has_none(token: str) -> None:
    assert expiry(token) is None


class Issuer:
    def __init__(self, make: Callable[[], str]) -> None:
        self.make, self.asked = make, list[str]()

    def of_all(self) -> str:
        return self(" ")

    def __call__(self, user_id: str) -> str:
        self.asked.append(user_id)
        return self.make()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [NOW]
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: now[0]))
    return now


def test_a_function_is_asked_again_before_its_token_ends(clock: list[float]) -> None:
    issuer = Issuer(lambda: jws(clock[0] + 300))
    tokens = Tokens(issuer.of_all)
    first = tokens.get()
    clock[0] += 300 - AHEAD_SECONDS - 1
    assert tokens.get() == first
    clock[0] += 1
    assert tokens.get() != first
    assert len(issuer.asked) == 2


def test_a_function_is_asked_again_once_its_token_is_refused(clock: list[float]) -> None:
    issuer = Issuer(lambda: "opaque")
    tokens = Tokens(issuer.of_all)
    assert tokens.can_renew
    assert [tokens.get(), tokens.get()] == ["opaque", "opaque"]
    tokens.refuse()
    tokens.get()
    assert len(issuer.asked) == 2


def test_each_user_has_a_token_and_only_so_many_are_kept(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_HELD", 2)
    issuer = Issuer(lambda: jws(clock[0] + 300))
    tokens = Tokens(user_token=issuer)
    assert tokens.is_by_user
    for user in ("u1", "u2", "u1", "u3", "u2", "u1"):
        tokens.get(user)
    assert issuer.asked == ["u1", "u2", "u3", "u1"]


def test_a_text_is_the_token_for_good() -> None:
    tokens = Tokens("opaque")
    tokens.refuse()
    assert (tokens.get(), tokens.can_renew, tokens.is_by_user) == ("opaque", False, False)
    assert Tokens().get() is None


def fail() -> str:
    raise LookupError("secret")


@pytest.mark.parametrize(
    ("ask", "said"),
    [(fail, "raised LookupError"), (lambda: None, "not NoneType"), (lambda: "a\nb", "other characters")],
)
def test_a_function_that_gives_none_says_so_without_a_secret(ask: Callable[[], str], said: str) -> None:
    with pytest.raises(TokenError, match=said) as caught:
        Tokens(ask).get()
    assert "secret" not in str(caught.value)
