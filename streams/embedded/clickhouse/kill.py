"""KILL QUERY by the ids, users and texts that clients know, for the writer's queries and a reader's own."""

from dataclasses import dataclass

from streams.embedded.clickhouse.catalogue import queries
from streams.embedded.clickhouse.errors import READONLY, SYNTAX_ERROR, ClickHouseError
from streams.embedded.clickhouse.lexer import tokens
from streams.embedded.clickhouse.scope import Mark, quote
from streams.embedded.clickhouse.statement import first_words
from streams.embedded.clickhouse.users import User

_MODES = (b"SYNC", b"ASYNC", b"TEST")


@dataclass(frozen=True)
class Kill:
    """A KILL QUERY: its condition, and how it answers. `waits` says that it ends when the queries have ended."""

    condition: str
    waits: bool
    tests: bool
    format: str = ""

    def targets(self, mark: Mark) -> str:
        """Return a query for the tags (scope.py) of the queries to kill; a reader's are its own.

        `mark` is that of the KILL, which never kills itself.
        """
        return f"SELECT tag {self._found(mark)} FORMAT TSVRaw"

    def answer(self, mark: Mark) -> str:
        """Return a query for the answer, which must be asked before any query is killed."""
        status = "unknown" if self.tests else "finished" if self.waits else "waiting"
        end = f" FORMAT {self.format}" if self.format else ""
        return f"SELECT {quote(status)} AS kill_status, query_id, user, query {self._found(mark)}{end}"

    def _found(self, mark: Mark) -> str:
        own = f" AND user = {quote(mark.user.value)}" if mark.user is User.READER else ""
        others = f"tag NOT IN ('', {quote(mark.tag)})"
        return f"FROM {queries('processes', tagged=True)} WHERE (\n{self.condition}\n) AND {others}{own}"


def read_kill(sql: str, user: User) -> Kill | None:
    """Parse a KILL QUERY; return None for any other statement.

    Raises READONLY if a reader doesn't say by its id which query it means.
    """
    text = sql.encode(errors="surrogateescape")
    if first_words(text, 2) != (b"KILL", b"QUERY"):
        return None
    found = list(tokens(text))
    where = next((at for at, token in enumerate(found) if token.word == b"WHERE" and token.depth == 0), None)
    if where is None or where + 1 == len(found):
        raise ClickHouseError(SYNTAX_ERROR, "Syntax error: KILL QUERY needs WHERE and a condition.")
    end = len(found)
    data_format = ""
    if found[end - 2].word == b"FORMAT" and found[end - 2].depth == 0:
        end, data_format = end - 2, found[end - 1].name
    mode = b"ASYNC"
    if found[end - 1].word in _MODES:
        end, mode = end - 1, found[end - 1].word
    condition = found[where + 1 : end]
    if not condition:
        raise ClickHouseError(SYNTAX_ERROR, "Syntax error: KILL QUERY needs WHERE and a condition.")
    if user is User.READER and not any(token.name.lower() == "query_id" for token in condition):
        raise ClickHouseError(READONLY, "reader: KILL QUERY needs the query_id of a query of your own.")
    between = text[condition[0].start : condition[-1].end].decode(errors="surrogateescape")
    return Kill(between, mode == b"SYNC", mode == b"TEST", data_format)
