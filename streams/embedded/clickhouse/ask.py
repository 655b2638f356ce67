"""What a request asks for: its URL, headers and form, parsed before anything runs."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from streams.embedded.clickhouse.errors import BAD_ARGUMENTS, NOT_IMPLEMENTED, SET_NON_GRANTED_ROLE, ClickHouseError
from streams.embedded.clickhouse.session import External, Scope, quote
from streams.embedded.clickhouse.users import User

# Parameters of the interface itself; any other is a setting, which the engine accepts or refuses.
#
# `session_id` is accepted, but each request is still its own session, so SET and temporary tables end with their
# request. `quota_key` has no effect, because there are no quotas.
_INTERFACE = {"query", "database", "default_format", "query_id", "user", "password", "quota_key", "role", "stacktrace"}
_SESSION = {"session_id", "session_timeout", "session_check", "client_protocol_version"}
_TRANSFER = {"compress", "decompress", "buffer_size", "wait_end_of_query"}
_RESERVED = frozenset(_INTERFACE | _SESSION | _TRANSFER)
_DEFAULT_FORMAT = "TabSeparated"


@dataclass(frozen=True)
class Ask:
    """A request. `text` is the beginning of the statement, from the URL or form; the body continues it."""

    user: User
    query_id: str
    text: bytes
    scope: Scope
    default_format: str
    waits: bool  # the answer begins only when the query has ended
    revision: int  # of the client's protocol, 0 if not given (native.py)
    external: tuple[External, ...] = ()
    form: bool = False


def read_ask(request: web.Request, user: User) -> Ask:
    """Parse URL and headers. Raises ClickHouseError for what this server does not offer."""
    query = request.query
    if query.get("compress") == "1" or query.get("decompress") == "1":
        raise ClickHouseError(NOT_IMPLEMENTED, "compress and decompress are not offered; use Content-Encoding.")
    if role := query.get("role"):
        raise ClickHouseError(SET_NON_GRANTED_ROLE, f"Role {quote(role)} should be granted to set as a current.")
    return Ask(
        user=user,
        query_id=query.get("query_id") or request.headers.get("X-ClickHouse-Query-Id") or str(uuid.uuid4()),
        text=query.get("query", "").encode(),
        scope=Scope(
            database=query.get("database", "") or request.headers.get("X-ClickHouse-Database", ""),
            settings=_settings(query),
            parameters=_parameters(query),
            readonly=request.method != "POST",
            reader=user is User.READER,
        ),
        default_format=query.get("default_format") or request.headers.get("X-ClickHouse-Format") or _DEFAULT_FORMAT,
        waits=query.get("wait_end_of_query", "0") in ("1", "true"),
        revision=_number(query.get("client_protocol_version", "0")),
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ClickHouseError(BAD_ARGUMENTS, f"client_protocol_version is {quote(text)}, not a number.")
    return int(text)


def _settings(query: Mapping[str, str]) -> dict[str, str]:
    external = ("_structure", "_types")
    tables = {name.removesuffix(end) for name in query for end in external if name.endswith(end)}
    of_tables = {table + end for table in tables for end in (*external, "_format")}
    return {
        name: value
        for name, value in query.items()
        if name not in _RESERVED and name not in of_tables and not name.startswith("param_")
    }


def _parameters(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("param_"): value for name, value in fields.items() if name.startswith("param_")}


async def read_form(request: web.Request, ask: Ask) -> Ask:
    """Add a multipart form: its fields hold the query and parameters, its files hold external tables."""
    fields: dict[str, str] = {}
    external = []
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            external.append(_external(name, value.file.read(), request.query))
        elif isinstance(value, str):
            fields[name] = value
        else:
            fields[name] = bytes(value).decode(errors="surrogateescape")
    return replace(
        ask,
        text=ask.text or fields.get("query", "").encode(errors="surrogateescape"),
        scope=replace(ask.scope, parameters={**ask.scope.parameters, **_parameters(fields)}),
        external=tuple(external),
        form=True,
    )


def _external(name: str, data: bytes, query: Mapping[str, str]) -> External:
    structure = query.get(f"{name}_structure", "")
    if not structure and (types := query.get(f"{name}_types")):
        structure = ", ".join(f"_{number} {of_type}" for number, of_type in enumerate(types.split(","), 1))
    if not structure:
        raise ClickHouseError(BAD_ARGUMENTS, f"External table {quote(name)} has neither structure nor types.")
    return External(name, structure, query.get(f"{name}_format", _DEFAULT_FORMAT), data)
