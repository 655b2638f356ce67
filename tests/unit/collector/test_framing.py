"""Which heads have one meaning."""

import pytest

from streams.collector.rules.framing import unclear

HOST = (b"host", b"shop.example")
CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_usual_head_is_clear(version: str) -> None:
    assert unclear(version, [HOST, (b"content-length", b"5"), (b"x", b"\xff")]) == ""


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", ""])
def test_other_versions_are_not_known(version: str) -> None:
    assert unclear(version, [HOST]) == "version"


def test_a_host_is_named_once() -> None:
    assert unclear("1.1", []) == "host"
    assert unclear("1.1", [HOST, HOST]) == "host"
    assert unclear("1.0", [HOST, HOST]) == "host"
    assert unclear("1.0", []) == ""


@pytest.mark.parametrize(
    "host", ["", "c", "c:8080", "127.0.0.1:80", "[::1]", "[::1]:8080", "a_b.example", "xn--bcher-kva.example", "c:"]
)
def test_what_names_a_host(host: str) -> None:
    assert unclear("1.1", [(b"host", host.encode())]) == ""


@pytest.mark.parametrize(
    "host", ["a b", "a/b", "u@a", "a:b", "a:1:2", "[::1", "::1", "a\tb", "a,b", "é", "a:100000", "?"]
)
def test_what_names_none(host: str) -> None:
    assert unclear("1.1", [(b"host", host.encode())]) == "host"


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b" CHUNKED\t"])
def test_chunks_are_the_only_coding(coding: bytes) -> None:
    assert unclear("1.1", [HOST, (b"transfer-encoding", coding)]) == ""
    assert unclear("1.0", [HOST, (b"transfer-encoding", coding)]) == "coding"


@pytest.mark.parametrize(
    "coding", [b"", b"identity", b"gzip, chunked", b"chunked, chunked", b"chunked;q=1", b"\x0bchunked", b"chunked\xa0"]
)
def test_another_coding_is_refused(coding: bytes) -> None:
    assert unclear("1.1", [HOST, (b"transfer-encoding", coding)]) == "coding"


def test_a_coding_is_named_once() -> None:
    assert unclear("1.1", [HOST, CHUNKED, CHUNKED]) == "coding"
