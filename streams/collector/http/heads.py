"""The fields of a request's head that recording needs, found in one pass."""

from collections.abc import Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]

_NAMES = {
    b"content-type": "content_type",
    b"content-encoding": "content_encoding",
    b"content-length": "content_length",
    b"origin": "origin",
    b"authorization": "authorization",
    b"user-agent": "user_agent",
}


class Head:
    """Fields as text, "" where absent. A field that came more than once has all its values, with commas between."""

    __slots__ = (
        "authorization",
        "content_encoding",
        "content_length",
        "content_type",
        "origin",
        "query",
        "user_agent",
    )

    def __init__(self, scope: Scope) -> None:
        self.authorization = self.content_encoding = self.content_length = self.content_type = ""
        self.origin = self.user_agent = ""
        self.query: str = scope["query_string"].decode("latin-1")
        for name, value in scope["headers"]:
            field = _NAMES.get(name)
            if field is not None:
                text, before = value.decode("latin-1"), getattr(self, field)
                setattr(self, field, f"{before}, {text}" if before else text)


def values(scope: Scope, name: str) -> Iterable[str]:
    """Return a field's values, in their order."""
    wanted = name.encode()
    return [value.decode("latin-1") for each, value in scope["headers"] if each == wanted]
