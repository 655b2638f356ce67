"""The client's address behind proxies, and the key by which an address is limited.

A header is believed only from a configured proxy, and only the one header that the proxies are configured to write: any
other was written by the client. Proxies append, so the list is read from its right end, and the first address that is
not a proxy's own is the client's; what stands further left is the client's word.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from streams.errors import UserError

Address = IPv4Address | IPv6Address
Header = Literal["x-forwarded-for", "forwarded"]

# A request passes a few proxies; a longer list, or a longer text, was made up.
_MOST_HOPS = 16
_MOST_CHARACTERS = 2_048
# An IPv6 customer has at least a /64: limiting single addresses of it would limit nobody.
_IPV6_PREFIX = 64

_ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*+")++')
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;,"]+))', re.I)
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+)(?::[0-9]{1,5})?")


class Proxies:
    """The proxies in front of the collector, as networks ("10.0.0.0/8", "::1"), and the header that they write.

    Raises UserError for what is not a network.
    """

    def __init__(self, networks: Iterable[str] = (), header: Header = "x-forwarded-for") -> None:
        self.header = header
        self._networks = [_network(text) for text in networks]

    def trusts(self, address: Address) -> bool:
        """Say whether an address is one of the proxies'."""
        return any(address.version == each.version and address in each for each in self._networks)

    def trusts_peer(self, peer: str) -> bool:
        """Say whether a connection's other end, as the socket names it, is one of the proxies."""
        found = _address(peer)
        return found is not None and self.trusts(found)

    def client(self, peer: str, values: Iterable[str]) -> str:
        """Return the client's address, by the connection's other end and the header's values in their order.

        `peer` itself if it is no proxy. What can't be read ends the search: the answer is then the last proxy's.
        """
        if not self._networks:
            return peer
        found = _address(peer)
        if found is None or not self.trusts(found):
            return peer
        text = ",".join(values)
        if len(text) > _MOST_CHARACTERS:
            text = text[-_MOST_CHARACTERS:].partition(",")[2]  # without the part of an address that was cut
        for hop in reversed(self._hops(text)[-_MOST_HOPS:]):
            address = _address(hop)
            if address is None:
                break
            found = address
            if not self.trusts(address):
                break
        return str(found)

    def _hops(self, text: str) -> list[str]:
        if self.header == "x-forwarded-for":
            return text.split(",")
        return [_forwarded_for(element) for element in _ELEMENT.findall(text)]


def key(address: str) -> str:
    """Return what an address is limited by: itself, or the /64 network of an IPv6 address. "" stays ""."""
    found = _address(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((int(found) >> _IPV6_PREFIX << _IPV6_PREFIX, _IPV6_PREFIX)))
    return address if found is None else str(found)


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        raise UserError(f"{text!r} is not a network of proxies: write addresses such as 10.0.0.0/8 or ::1.") from None


def _forwarded_for(element: str) -> str:
    found = _FOR.search(element)
    return "" if found is None else found[1] or found[2] or ""


def _address(text: str) -> Address | None:
    """Read an address, with or without a port; an IPv4 address in IPv6 form is an IPv4 address."""
    text = text.strip()
    with_port = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((with_port[1] or with_port[2]) if with_port else text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
