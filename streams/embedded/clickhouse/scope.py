"""What a request brings to its session: whose it is, its database, settings, parameters and tables."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.embedded.clickhouse.users import User


@dataclass(frozen=True)
class Mark:
    """Who asked and under which id, as a comment at the beginning of the text that the engine runs.

    chDB chooses a query's id and knows only one user, so the comment is what KILL finds a query by, and what
    system.processes and system.query_log are read with (catalogue.py). It stands in `log_comment`, too, because the
    engine drops comments from the text of a query with parameters.
    """

    user: User
    query_id: str
    tag: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def new(cls, user: User) -> "Mark":
        """Return a mark with a query id of our own, for a client that chose none."""
        return cls(user, str(uuid.uuid4()))

    def comment(self) -> str:
        """Return the comment; it contains nothing that could end it."""
        return f"/*{self.tag} {self.user.value} {self.query_id.encode(errors='surrogateescape').hex()}*/ "


@dataclass(frozen=True)
class External:
    """A table sent with the request, as one part of a multipart form."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(frozen=True)
class Scope:
    """What a session is opened with. `settings` and `parameters` are the request's, unchanged."""

    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    external: tuple[External, ...] = ()
    readonly: bool = False  # for a GET, as in ClickHouse
    reader: bool = True


@dataclass
class Progress:
    """Rows and bytes of a query so far, by their names in X-ClickHouse-Summary."""

    _engine: dict[str, int] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Return the counts so far; those that `know` has win over what the engine reports while a query runs."""
        return {**self._engine, **self._known}

    def take(self, counts: Mapping[str, int]) -> None:
        """Store the engine's latest counts; called from the engine's threads."""
        self._engine = dict(counts)

    def know(self, **counts: int) -> None:
        """Store counts of a part that has ended, or the sum of its pieces so far."""
        self._known.update(counts)

    def add_result(self, rows: int, size: int) -> None:
        """Add a piece of the result."""
        rows += self._known.get("result_rows", 0)
        self.know(result_rows=rows, result_bytes=size + self._known.get("result_bytes", 0))


def quote(text: str) -> str:
    """Quote a string for SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(name: str) -> str:
    """Quote an identifier for SQL."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
