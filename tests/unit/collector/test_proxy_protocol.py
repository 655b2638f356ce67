"""The PROXY header, whole and in pieces, and what isn't one."""

from ipaddress import ip_address

import pytest

from streams.collector.rules.proxy_protocol import MOST_BYTES, BadProxyHeaderError, ProxyHeader, read

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
REST = b"POST /v1/impressions HTTP/1.1\r\n"


def binary(command: int, family: int, payload: bytes) -> bytes:
    return SIGNATURE + bytes([command, family]) + len(payload).to_bytes(2) + payload


def of(*addresses: str, more: bytes = b"") -> bytes:
    return b"".join(ip_address(each).packed for each in addresses) + bytes([1, 2, 3, 4]) + more


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"PROXY TCP4 1.1.1.1 10.0.0.1 4711 8080\r\n", "1.1.1.1"),
        (b"PROXY TCP6 2001:db8::7 ::1 4711 8080\r\n", "2001:db8::7"),
        (b"PROXY TCP6 ::ffff:1.1.1.1 ::1 4711 8080\r\n", "1.1.1.1"),
        (b"PROXY UNKNOWN\r\n", ""),
        (b"PROXY UNKNOWN ffff:f... 1 2\r\n", ""),
        (binary(0x21, 0x11, of("1.1.1.1", "10.0.0.1")), "1.1.1.1"),
        (binary(0x21, 0x21, of("2001:db8::7", "::1", more=b"\x03\x00\x01x" * 20)), "2001:db8::7"),
        (binary(0x21, 0x21, of("::ffff:1.1.1.1", "::1")), "1.1.1.1"),
        (binary(0x20, 0x11, of("1.1.1.1", "10.0.0.1")), ""),
        (binary(0x20, 0x00, b""), ""),
        (binary(0x21, 0x31, b"x" * 216), ""),
    ],
)
def test_a_header_is_read_once_it_is_whole(header: bytes, address: str) -> None:
    assert all(read(header[:end]) is None for end in range(len(header)))
    assert read(header + REST) == ProxyHeader(address, len(header))


@pytest.mark.parametrize(
    "data",
    [
        REST,
        b"proxy TCP4 1.1.1.1 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 1.1.1.1 10.0.0.1 1\r\n",
        b"PROXY TCP4 1.1.1 10.0.0.1 1 2\r\n",
        b"PROXY TCP6 1.1.1.1 10.0.0.1 1 2\r\n",
        b"PROXY UDP4 1.1.1.1 10.0.0.1 1 2\r\n",
        b"PROXY TCP4 1.1.1.1 10.0.0.1 1 2\n" + b"x" * 100,
        b"PROXY UNKNOWN " + b"x" * 100,
        binary(0x11, 0x11, of("1.1.1.1", "10.0.0.1")),
        binary(0x22, 0x11, of("1.1.1.1", "10.0.0.1")),
        binary(0x21, 0x11, b"1234"),
        binary(0x21, 0x11, b"x" * MOST_BYTES),
        SIGNATURE[:-1] + b"\r",
    ],
)
def test_what_is_no_header_is_refused(data: bytes) -> None:
    with pytest.raises(BadProxyHeaderError):
        read(data)
