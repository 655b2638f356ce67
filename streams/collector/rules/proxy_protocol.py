"""The PROXY protocol, versions 1 and 2: how a proxy that doesn't speak HTTP says whose connection it passes on.

The header stands once, before the connection's first byte of HTTP. It may be read only if the connection comes from a
configured proxy (`addresses.Proxies.trusts`), and then it must be there: anybody else would write what they like.
Format: "The PROXY protocol", 2.1 and 2.2 (haproxy.org).
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

# The longest of version 1. One of version 2 is as long as it says, mostly some ten bytes.
_MOST_LINE_BYTES = 107
MOST_BYTES = 4_096

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED_BYTES = 16
_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r]*)?|TCP([46]) ([0-9A-Fa-f.:]+) [0-9A-Fa-f.:]+ [0-9]{1,5} [0-9]{1,5})\r\n",
)
# Of version 2: what the address is by the byte that names family and transport, and how many bytes it has.
_FAMILIES = {0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16}
_LOCAL, _PROXIED = 0x20, 0x21


class BadProxyHeaderError(Exception):
    """What comes from a proxy does not begin with its header: the connection can't be believed, and is closed."""


class ProxyHeader(NamedTuple):
    """A header: the client's address, "" if the proxy speaks for itself, and how many bytes it took."""

    address: str
    size: int


def read(data: bytes) -> ProxyHeader | None:
    """Read the header at the beginning of a connection; None if more bytes are needed. Raises BadProxyHeaderError."""
    if _SIGNATURE.startswith(data[: len(_SIGNATURE)]):
        return _read_binary(data) if len(data) >= _FIXED_BYTES else None
    if b"PROXY ".startswith(data[:6]):
        return _read_line(data)
    raise BadProxyHeaderError("a proxy's connection begins without a PROXY header")


def _read_line(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, _MOST_LINE_BYTES)
    if end < 0:
        if len(data) < _MOST_LINE_BYTES:
            return None
        raise BadProxyHeaderError(f"the PROXY header's line has more than {_MOST_LINE_BYTES} bytes")
    found = _LINE.fullmatch(data, 0, end + 2)
    if found is None:
        raise BadProxyHeaderError("the PROXY header's line is wrong")
    if found[1] is None:
        return ProxyHeader("", end + 2)
    try:
        address = ip_address(found[2].decode())
    except ValueError:
        raise BadProxyHeaderError("the PROXY header's address is wrong") from None
    if str(address.version) != found[1].decode():
        raise BadProxyHeaderError("the PROXY header's address is of another family than it says")
    return ProxyHeader(_text(address), end + 2)


def _read_binary(data: bytes) -> ProxyHeader | None:
    command, family, size = data[12], data[13], int.from_bytes(data[14:16])
    end = _FIXED_BYTES + size
    if command not in (_LOCAL, _PROXIED):
        raise BadProxyHeaderError("the PROXY header's version or command is wrong")
    if end > MOST_BYTES:
        raise BadProxyHeaderError(f"the PROXY header has more than {MOST_BYTES} bytes")
    if len(data) < end:
        return None
    length = _FAMILIES.get(family, 0)
    if command == _LOCAL or not length:  # a proxy's own check, or an address that is not of IP
        return ProxyHeader("", end)
    if size < 2 * length + 4:
        raise BadProxyHeaderError("the PROXY header is shorter than its addresses")
    return ProxyHeader(_text(ip_address(data[_FIXED_BYTES : _FIXED_BYTES + length])), end)


def _text(address: IPv4Address | IPv6Address) -> str:
    return str((isinstance(address, IPv6Address) and address.ipv4_mapped) or address)
