"""The client's address: only what a configured proxy wrote is believed."""

import pytest

from streams.collector.rules.addresses import Proxies, key
from streams.errors import UserError

PROXIES = Proxies(["10.0.0.0/8", "127.0.0.1", "2001:db8:1::/48"])
FORWARDED = Proxies(["10.0.0.0/8"], header="forwarded")


@pytest.mark.parametrize("values", [[], ["1.1.1.1"], ["1.1.1.1, 10.0.0.1"]])
def test_a_stranger_is_believed_nothing(values: list[str]) -> None:
    assert PROXIES.client("9.9.9.9", values) == "9.9.9.9"
    assert Proxies().client("127.0.0.1", values) == "127.0.0.1"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], "10.0.0.1"),
        (["1.1.1.1"], "1.1.1.1"),
        # The client wrote the first; the proxy appended the second.
        (["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        (["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        (["6.6.6.6, 1.1.1.1, 10.9.9.9 ,127.0.0.1"], "1.1.1.1"),
        (["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        (["1.1.1.1:4711"], "1.1.1.1"),
        (["2001:db8::7"], "2001:db8::7"),
        (["[2001:db8::7]:443"], "2001:db8::7"),
        (["::ffff:1.1.1.1"], "1.1.1.1"),
        (["2001:db8::7, 2001:db8:1::5"], "2001:db8::7"),
        # What can't be read ends the search.
        (["1.1.1.1, unknown, 10.2.2.2"], "10.2.2.2"),
        (["1.1.1.1, "], "10.0.0.1"),
        (["1.1.1.1.1"], "10.0.0.1"),
        (["<script>"], "10.0.0.1"),
        (["fe80::1%eth0"], "fe80::1"),
    ],
)
def test_the_rightmost_address_that_is_no_proxys_is_the_clients(values: list[str], expected: str) -> None:
    assert PROXIES.client("10.0.0.1", values) == expected


def test_a_proxys_own_address_may_come_as_ipv6() -> None:
    assert PROXIES.client("::ffff:10.0.0.1", ["1.1.1.1"]) == "1.1.1.1"


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("2001:db8:1::5", True), ("9.9.9.9", False), ("unix:", False)],
)
def test_a_connection_is_a_proxys_by_its_other_end(peer: str, trusted: bool) -> None:
    assert PROXIES.trusts_peer(peer) is trusted
    assert not Proxies().trusts_peer(peer)


def test_a_peer_without_an_address_is_a_stranger() -> None:
    assert PROXIES.client("", ["1.1.1.1"]) == ""
    assert PROXIES.client("unix:", ["1.1.1.1"]) == "unix:"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["for=1.1.1.1"], "1.1.1.1"),
        (["for=6.6.6.6, for=1.1.1.1;proto=https;by=10.0.0.2"], "1.1.1.1"),
        (['proto=https;For="[2001:db8::7]:4711"'], "2001:db8::7"),
        (['for="1.1.1.1:80", for=10.4.4.4'], "1.1.1.1"),
        (['for=1.1.1.1;x="a, for=6.6.6.6"'], "1.1.1.1"),
        (["for=unknown"], "10.0.0.1"),
        (["for=_hidden, for=10.4.4.4"], "10.4.4.4"),
        (["proto=https"], "10.0.0.1"),
        (['for="1.1.1.1'], "10.0.0.1"),
        ([], "10.0.0.1"),
    ],
)
def test_the_forwarded_header(values: list[str], expected: str) -> None:
    assert FORWARDED.client("10.0.0.1", values) == expected


def test_a_list_that_is_too_long_is_read_from_its_end() -> None:
    hops = ["1.1.1.1", *["10.1.1.1"] * 40]
    assert PROXIES.client("10.0.0.1", [", ".join(hops)]) == "10.1.1.1"
    assert PROXIES.client("10.0.0.1", ["x" * 100_000 + ", 1.1.1.1"]) == "1.1.1.1"
    # Cut within an address: what is left of it is nobody's.
    assert PROXIES.client("10.0.0.1", ["11.1.1.1" + " " * 2_041]) == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("1.1.1.1", "1.1.1.1"),
        ("2001:db8:0:1:aaaa::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:bbbb::2", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("::ffff:1.1.1.1", "1.1.1.1"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_ipv6_address_is_limited_with_its_network(address: str, expected: str) -> None:
    assert key(address) == expected


@pytest.mark.parametrize("text", ["", "proxy", "10.0.0.0/33", "10.0.0.1:80"])
def test_what_is_not_a_network_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is not a network of proxies"):
        Proxies([text])
