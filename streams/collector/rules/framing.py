"""Which heads have one meaning only. What a proxy could understand otherwise than we do is refused (RFC 9112).

The parser refuses two lengths, a length beside chunks, and what is no HTTP at all. This is what it lets pass.
"""

import re
from collections.abc import Iterable

_VERSIONS = ("1.1", "1.0")
# A name or an address, and a port; empty if the target has none (RFC 9110, section 7.2).
_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+;=%-]*)(?::[0-9]{0,5})?")


def unclear(version: str, fields: Iterable[tuple[bytes, bytes]]) -> str:
    """Say what is wrong with a head's version ("1.1") and its fields, whose names are in lower case; "" if nothing is.

    A host must be named once, as RFC 9112 asks: who routes by the first name and who routes by the last one would not
    agree. Of the codings of a body, only `chunked` by itself is known here, and none to HTTP/1.0.
    """
    if version not in _VERSIONS:
        return "version"
    hosts = codings = 0
    for name, value in fields:
        if name == b"host":
            hosts += 1
            if _HOST.fullmatch(value) is None:
                return "host"
        elif name == b"transfer-encoding":
            codings += 1
            if value.strip(b" \t").lower() != b"chunked":
                return "coding"
    if hosts > 1 or (hosts == 0 and version == "1.1"):
        return "host"
    return "coding" if codings > 1 or (codings and version == "1.0") else ""
