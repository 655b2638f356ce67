"""What a handle is made ready with: rights, limits, database, tables and settings; and what a named session keeps."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from streams.embedded.clickhouse.access import READER_ROLE, STAGE_ROLE
from streams.embedded.clickhouse.engine import Engine, engine_errors
from streams.embedded.clickhouse.errors import UNKNOWN_SETTING, ClickHouseError
from streams.embedded.clickhouse.lexer import tokens
from streams.embedded.clickhouse.limits import READER_DEFAULTS
from streams.embedded.clickhouse.scope import External, Mark, Scope, quote, quote_name

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
# A statement with one of these in front, or this word in it, changes its session.
_CHANGES = (b"SET", b"USE")
_TEMPORARY = b"TEMPORARY"


class Kept:
    """The handle of a named session. It exists from the first statement that changes the session on."""

    def __init__(self) -> None:
        self._handle: Any = None
        self.fresh = True  # the handle was opened for this request

    @property
    def holds(self) -> bool:
        """Return whether there is a handle."""
        return self._handle is not None

    def wants(self, begun: bytes) -> bool:
        """Return whether a statement must run on the kept handle."""
        return self._handle is not None or changes_session(begun)

    def take(self, engine: Engine) -> Any:
        """Return the handle; whoever takes it gives it back or closes it."""
        handle, self._handle = self._handle, None
        self.fresh = handle is None
        return engine.connect() if handle is None else handle

    def give_back(self, handle: Any, preparation: "Preparation") -> None:
        """Keep a handle for the session's next request, without what this request brought."""
        try:
            preparation.undo()
        except ClickHouseError:  # it can't be used as it was, so the session begins anew
            handle.close()
        else:
            self._handle = handle

    def close(self) -> None:
        """End the session."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None


def sets(text: bytes) -> bool:
    """Return whether a statement is SET or USE."""
    first = next(tokens(text), None)
    return first is not None and first.word in _CHANGES


def changes_session(text: bytes) -> bool:
    """Return whether a statement sets something for the session or creates a temporary table."""
    words = [token.word for token, _ in zip(tokens(text), range(5), strict=False)]
    return bool(words) and (words[0] in _CHANGES or (words[0] == b"CREATE" and _TEMPORARY in words))


def for_kept(scope: Scope, begun: bytes) -> Scope:
    """Return what a request brings to a kept handle: nothing that would undo its statement, or outlast it."""
    if sets(begun):
        return replace(scope, database="", settings={}, external=())
    if scope.reader or scope.settings.get("readonly", "0") == "0":
        return scope
    rest = {name: value for name, value in scope.settings.items() if name != "readonly"}
    return replace(scope, settings=rest, readonly=True)


class Preparation:
    """Makes one handle ready for one request; for a kept handle, `undo` takes it back."""

    def __init__(self, handle: Any, scope: Scope, mark: Mark, kept: Kept | None) -> None:
        self._handle = handle
        self._mark = mark
        self._scope = scope
        self._kept = kept is not None
        self._fresh = kept is None or kept.fresh
        self._undo: list[str] = []

    def open(self, load: Callable[[External], None]) -> None:
        """Apply the rights before anything of the request; then what the request brings, which the rights restrict.

        External tables are read with the request's settings, by a role that may do nothing else; then its rights end.
        """
        scope = self._scope
        if self._kept:
            self._remember()
        if scope.database:
            self._run(f"USE {quote_name(scope.database)}")
        if scope.external:
            self._run(f"SET ROLE {STAGE_ROLE}")
            self._set({name: value for name, value in scope.settings.items() if name.lower() != "readonly"})
            for table in scope.external:
                load(table)
                self._undo.append(f"DROP TEMPORARY TABLE IF EXISTS {quote_name(table.name)}")
            self._run("SET ROLE DEFAULT")
        if scope.reader and self._fresh:
            self._set(READER_DEFAULTS)
            self._run(f"SET ROLE {READER_ROLE}")
        if scope.reader or (scope.readonly and not self._kept):  # for a kept handle, judge() refuses instead
            self._run("SET readonly = 2")
        log = {"log_queries": "1"} if self._fresh else {}
        marked = {"log_comment": self._mark.comment() + scope.settings.get("log_comment", "")}
        self._set({**log, **scope.settings, **marked})

    def undo(self) -> None:
        """Take back what the request brought. Raises ClickHouseError if the handle can't be used again."""
        for statement in self._undo:
            self._run(statement)

    def _remember(self) -> None:
        """Note the database and settings before the request's own replace them."""
        before = self._read("SELECT currentDatabase()")
        if self._scope.database:
            self._undo.append(f"USE {quote_name(before)}")
        names = ", ".join(map(quote, self._scope.settings))
        if names:
            found = self._read(f"SELECT name, changed, value FROM system.settings WHERE name IN ({names})")
            for line in found.splitlines():
                name, changed, value = line.split("\t", 2)
                self._undo.append(f"SET {name} = {quote(value) if changed == '1' else 'DEFAULT'}")

    def _set(self, settings: Mapping[str, str]) -> None:
        changes = [f"{_setting(name)} = {quote(value)}" for name, value in settings.items()]
        if changes:
            self._run("SET " + ", ".join(changes))

    def _read(self, sql: str) -> str:
        with engine_errors():
            return str(self._handle.query(sql, "TSVRaw").bytes().decode(errors="surrogateescape")).rstrip("\n")

    def _run(self, sql: str) -> None:
        with engine_errors():
            self._handle.query(sql.encode(errors="surrogateescape"), "Null")


def _setting(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ClickHouseError(UNKNOWN_SETTING, f"Unknown setting {quote(name)}.")
    return name
