"""Queries as the engine should see them: what only a server knows is put into the text of a read.

chDB runs as the user `default`, gives each query an id of its own, and has no statement for its system tables. A read
that asks for these gets what the client would get from a server: its own user and query id, and the system tables of
queries by the clients' ids, users and texts. Every other statement is left as it is.
"""

from streams.embedded.clickhouse.lexer import Token, tokens
from streams.embedded.clickhouse.scope import Mark, quote, quote_name

# Mark.comment, as a regular expression in SQL.
_COMMENT = r"^/\*[0-9a-f]{32} ([a-z]+) ([0-9a-f]*)\*/ "
_USER = quote(r"^/\*[0-9a-f]{32} ([a-z]+) ")
_TAG = quote(r"^/\*([0-9a-f]{32}) ")
_QUERY_ID = quote(r"^/\*[0-9a-f]{32} [a-z]+ ([0-9a-f]*)\*/ ")
# What the server adds to a text, to direct its data through a file of its own (session.py).
_THROUGH_FILE = (
    r"\s?INTO OUTFILE '[^']*/spool/[^']*' TRUNCATE COMPRESSION 'none'\n?"
    r"|\s*FROM INFILE '[^']*/spool/[^']*' COMPRESSION 'none'"
)
_MARKED = f"match(mark, {quote(_COMMENT)})"
_ORIGINAL = f"replaceRegexpOne(replaceRegexpOne(query, {quote(_COMMENT)}, ''), {quote(_THROUGH_FILE)}, '')"
_STRIPPED = f"replaceRegexpOne(v, {quote(_COMMENT)}, '')"
_COLUMNS = {
    "query": _ORIGINAL,
    **{name: f"if({_MARKED}, unhex(extract(mark, {_QUERY_ID})), {name})" for name in ("query_id", "initial_query_id")},
    **{name: f"if({_MARKED}, extract(mark, {_USER}), {name})" for name in ("user", "initial_user")},
    "Settings": (
        "mapFilter((k, v) -> k != 'log_comment' OR v != '',"
        f" mapApply((k, v) -> (k, if(k = 'log_comment', {_STRIPPED}, v)), Settings))"
    ),
}
# What may follow a table that has no alias.
_AFTER_TABLE = frozenset(
    b"WHERE PREWHERE GROUP ORDER LIMIT OFFSET HAVING FORMAT SETTINGS UNION EXCEPT INTERSECT JOIN INNER LEFT RIGHT FULL"
    b" CROSS ANY ALL ASOF SEMI ANTI GLOBAL ARRAY ON USING WINDOW QUALIFY INTO FINAL SAMPLE PASTE".split()
)
_OF_QUERIES = ("processes", "query_log")

_QUOTED_COMMENT = "concat('\\'', replaceAll(replaceAll(comment, '\\\\', '\\\\\\\\'), '\\'', '\\\\\\''), '\\'')"

_USER_FUNCTIONS = (b"CURRENTUSER", b"CURRENT_USER", b"USER")
_ID_FUNCTIONS = (b"QUERYID", b"QUERY_ID", b"INITIALQUERYID", b"INITIAL_QUERY_ID")


def queries(table: str, tagged: bool = False) -> str:
    """Return a subquery for system.processes or system.query_log with the clients' ids, users and texts.

    With `tagged`, it has one more column: the tag that each query is marked with (scope.py).
    """
    tag = f", extract(mark, {_TAG}) AS tag" if tagged else ""
    # The mark has a name of its own, so that what replaces a column is not taken for it.
    mark = f"if(match(query, {quote(_COMMENT)}), query, Settings['log_comment']) AS mark"
    return f"(SELECT * EXCEPT (mark) REPLACE ({_replaced(table)}){tag} FROM (SELECT *, {mark} FROM system.{table}))"


def _replaced(table: str) -> str:
    columns = dict(_COLUMNS)
    if table == "query_log":
        columns["log_comment"] = _STRIPPED.replace("(v,", "(log_comment,")
    return ", ".join(f"{expression} AS {name}" for name, expression in columns.items())


def own_view(sql: str, mark: Mark) -> str:
    """Return a read's text with the client's user and query id, and with the tables of queries as it knows them."""
    if not any(word in sql.lower() for word in ("user", "query", "process")):
        return sql
    text = sql.encode(errors="surrogateescape")
    found = list(tokens(text))
    if [token.word for token in found[:2]] == [b"SHOW", b"PROCESSLIST"]:
        return f"SELECT * FROM {queries('processes')} ORDER BY elapsed DESC" + _string(text[found[1].end :])
    parts: list[str] = []
    end = 0
    for at, token in enumerate(found):
        changed = _put(found, at, mark)
        if changed is not None and token.start >= end:
            new, last = changed
            parts += [_string(text[end : token.start]), new]
            end = last.end
    return "".join([*parts, _string(text[end:])])


def _put(found: list[Token], at: int, mark: Mark) -> tuple[str, Token] | None:
    """Return what replaces the tokens from `at` on, and the last of them; None if nothing does."""
    token = found[at]
    before = found[at - 1].word or found[at - 1].text if at else b""
    if token.word in (*_USER_FUNCTIONS, *_ID_FUNCTIONS) and before not in (b".", b"AS", b"FROM", b"JOIN", b"TABLE"):
        called = [one.text for one in found[at + 1 : at + 3]] == [b"(", b")"]
        if called or token.word == b"CURRENT_USER":
            value = mark.user.value if token.word in _USER_FUNCTIONS else mark.query_id
            shown = f"{token.text.decode()}()" if called else token.text.decode()
            return f"({quote(value)} AS {quote_name(shown)})", found[at + 2] if called else token
    if before in (b"FROM", b"JOIN") and token.name.lower() == "system" and len(found) > at + 2:
        name = found[at + 2].name
        if found[at + 1].text == b"." and name in _OF_QUERIES and not _qualifies(found, name):
            return queries(name) + (f" AS {name}" if _unnamed(found, at + 3) else ""), found[at + 2]
    return None


def _qualifies(found: list[Token], name: str) -> bool:
    """Return whether columns are named as `system.table.column`, which a subquery has not."""
    texts = [token.name for token in found]
    return any(texts[at : at + 4] == ["system", ".", name, "."] for at in range(len(texts)))


def _unnamed(found: list[Token], at: int) -> bool:
    """Return whether a table gets no alias from the tokens at `at`, so that its own name may qualify columns."""
    behind = found[at] if len(found) > at else None
    return behind is None or behind.word in _AFTER_TABLE or behind.text in (b")", b",", b";")


def system_table(sql: str) -> str | None:
    """Return which table of the database `system` a SHOW CREATE asks for; None for any other statement."""
    found = [token for token, _ in zip(tokens(sql.encode(errors="surrogateescape")), range(8), strict=False)]
    if [token.word for token in found[:2]] != [b"SHOW", b"CREATE"]:
        return None
    rest = found[3:] if len(found) > 2 and found[2].word in (b"TABLE", b"VIEW") else found[2:]
    if len(rest) < 3 or rest[0].name.lower() != "system" or rest[1].text != b".":
        return None
    ends = len(rest) == 3 or rest[3].word in (b"FORMAT", b"SETTINGS") or rest[3].text == b";"
    return rest[2].name if ends else None


def create_statement(sql: str, table: str) -> str:
    """Return a query for the statement of a system table that chDB has none of; `sql` is the SHOW CREATE for it."""
    text = sql.encode(errors="surrogateescape")
    clause = next((token for token in tokens(text) if token.word in (b"FORMAT", b"SETTINGS")), None)
    end = _string(text[clause.start :]) if clause is not None else ""
    of_table = f"database = 'system' AND {{}} = {quote(table)}"
    columns = (
        "SELECT arrayStringConcat(groupArray(concat('    `', name, '` ', type,"
        " if(default_expression = '', '', concat(' ', default_kind, ' ', default_expression)),"
        f" if(comment = '', '', concat(' COMMENT ', {_QUOTED_COMMENT})))), ',\\n')"
        f" FROM (SELECT * FROM system.columns WHERE {of_table.format('table')} ORDER BY position)"
    )
    return (
        f"SELECT concat('CREATE TABLE system.', name, '\\n(\\n', ({columns}), '\\n)\\nENGINE = ', engine, '()',"
        f" if(comment = '', '', concat('\\nCOMMENT ', {_QUOTED_COMMENT}))) AS statement"
        f" FROM system.tables WHERE {of_table.format('name')} {end}"
    )


def _string(text: bytes) -> str:
    return text.decode(errors="surrogateescape")
