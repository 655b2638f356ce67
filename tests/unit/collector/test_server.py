"""What the collector refuses to begin with."""

import resource

import pytest

from streams.collector.rules.bodies import MOST_BYTES
from streams.collector.server import OWN_DESCRIPTORS, budget, check, most_connections
from streams.errors import UserError
from streams.settings import Settings

MIB = 2**20


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_no_token_is_needed(host: str) -> None:
    check(Settings(collector_host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "collector"])
def test_elsewhere_it_is_an_explicit_choice(host: str) -> None:
    with pytest.raises(UserError, match="IMPRESSIONS_TOKEN_KEY_FILE"):
        check(Settings(collector_host=host))
    check(Settings.model_validate({"collector_host": host, "token_key_file": "/keys"}))
    check(Settings(collector_host=host, collector_without_tokens=True))


def test_an_address_has_a_part_of_the_budget_that_holds_a_body() -> None:
    assert budget(Settings()).of_address == 16 * MIB
    assert budget(Settings(collector_address_share=1)).of_address == 64 * MIB
    least = budget(Settings(collector_budget_mib=8, collector_address_share=0.01))
    assert (least.limit, least.of_address) == (8 * MIB, MOST_BYTES)


def test_there_are_no_more_connections_than_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [(1_024, 4_096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, found: limits.append(found))
    assert most_connections(500) == 500
    assert len(limits) == 1, "nothing had to be raised"
    assert most_connections(3_000) == 3_000
    assert limits[-1] == (3_000 + OWN_DESCRIPTORS, 4_096)
    assert most_connections(10_000) == 4_096 - OWN_DESCRIPTORS
    assert limits[-1] == (4_096, 4_096)
