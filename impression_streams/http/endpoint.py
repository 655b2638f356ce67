"""Where a collector is, checked before anything is sent."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlsplit

PATH = "/v1/impressions"
EXPECTED = "http:// or https://, a host and perhaps a port (https://collector.example.com, http://127.0.0.1:8080)"
# What Python's parser would remove without a word.
_BLANK = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A collector: `target` is the path of the request, `authority` the header Host."""

    secure: bool
    host: str
    port: int
    target: str
    authority: str

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read a collector's address; a path in it is a prefix. Raises ValueError with what is expected."""
        if not isinstance(text, str):
            raise ValueError(f"endpoint: a string is expected, as {EXPECTED}, not {type(text).__name__}")
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ValueError(f"endpoint: {text!r} is not an address; {EXPECTED} is expected") from None
        if "@" in parts.netloc:  # without the text: it may be a password
            raise ValueError(f"endpoint: a name or password is not taken here, use `token`; {EXPECTED} is expected")
        if parts.scheme not in ("http", "https") or not host or port == 0 or _BLANK.search(text):
            raise ValueError(f"endpoint: {text!r} is not an address; {EXPECTED} is expected")
        if parts.query or parts.fragment:
            raise ValueError(f"endpoint: {text!r} has more than a path; {EXPECTED} is expected")
        try:
            name = host if ":" in host else host.encode("idna").decode()
        except UnicodeError:
            raise ValueError(f"endpoint: {host!r} is not a host's name; {EXPECTED} is expected") from None
        shown = f"[{name}]" if ":" in name else name
        path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._").removesuffix("/").removesuffix(PATH)
        secure = parts.scheme == "https"
        usual = 443 if secure else 80
        authority = shown if port in (None, usual) else f"{shown}:{port}"
        return cls(secure, name, port or usual, path + PATH, authority)

    @property
    def is_loopback(self) -> bool:
        """Return whether it names this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")
