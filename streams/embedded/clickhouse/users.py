"""Who sends a request: its credentials, wherever ClickHouse accepts them, and whether a web page caused it."""

import base64
import binascii
import ipaddress
import secrets
from collections.abc import Collection, Mapping
from enum import Enum
from urllib.parse import urlsplit

from streams.embedded.clickhouse.errors import AUTHENTICATION_FAILED, ClickHouseError


class User(Enum):
    """The two users. Without credentials, or as `default` without a password, a request is the reader's."""

    READER = "reader"
    WRITER = "writer"


def authenticate(headers: Mapping[str, str], query: Mapping[str, str], writer_password: str) -> User:
    """Return the request's user. Raises AUTHENTICATION_FAILED, the same for a wrong user and a wrong password."""
    name, password = _credentials(headers, query)
    if name in ("", "default", User.READER.value) and password == "":
        return User.READER
    given, right = password.encode(), writer_password.encode()
    # Compared even for another name; an empty password never matches.
    if secrets.compare_digest(given, right) and right and name == User.WRITER.value:
        return User.WRITER
    raise ClickHouseError(
        AUTHENTICATION_FAILED,
        f"{name}: Authentication failed: password is incorrect, or there is no user with such name.",
    )


def _credentials(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str]:
    """Return name and password, in ClickHouse's own order: its headers, the Authorization header, the URL."""
    if "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers:
        return headers.get("X-ClickHouse-User", ""), headers.get("X-ClickHouse-Key", "")
    if "Authorization" in headers:
        scheme, _, value = headers["Authorization"].partition(" ")
        if scheme.lower() != "basic":
            raise ClickHouseError(AUTHENTICATION_FAILED, f"Authentication by {scheme} is not offered here.")
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise ClickHouseError(AUTHENTICATION_FAILED, "The Authorization header can't be read.") from None
        return name, password
    return query.get("user", ""), query.get("password", "")


def foreign_page(headers: Mapping[str, str], bound_host: str, names: Collection[str] = ()) -> str | None:
    """Return why a request may come from a foreign web page; None if it does not. `names` are the server's own, too.

    Every request is checked, the reader's and /ping included: a page in a browser on this machine can reach a
    loopback port (a drive-by POST), even through a name that resolves to 127.0.0.1 (DNS rebinding).
    """
    host = headers.get("Host", "")
    if not _own_host(_name(host), bound_host, names):
        return (
            f"The Host header {host!r} is not an address of this server; use 127.0.0.1,"
            " or add the name to IMPRESSIONS_CLICKHOUSE_HOSTS."
        )
    origin = headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return f"Requests from web pages of another origin ({origin}) are refused."
    if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return "Requests from web pages of another site are refused."
    return None


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # not an address at all
        return ""


def _own_host(name: str, bound_host: str, names: Collection[str]) -> bool:
    if name in ("localhost", bound_host) or name in {one.lower() for one in names}:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    # When bound to every address, any address may be our own; a name, which rebinding needs, is still refused.
    return address.is_loopback or bound_host in ("0.0.0.0", "::")
