"""What a request asks for: its URL, headers and form, parsed before anything runs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

from streams.embedded.clickhouse.errors import (
    BAD_ARGUMENTS,
    INVALID_SESSION_TIMEOUT,
    SET_NON_GRANTED_ROLE,
    ClickHouseError,
)
from streams.embedded.clickhouse.form import Form
from streams.embedded.clickhouse.named import SessionName
from streams.embedded.clickhouse.scope import External, Mark, Scope, quote
from streams.embedded.clickhouse.users import User

# Parameters of the interface itself; any other is a setting, which the engine accepts or refuses. `quota_key` has no
# effect, because there are no quotas.
_INTERFACE = {"query", "database", "default_format", "query_id", "user", "password", "quota_key", "role", "stacktrace"}
_SESSION = {"session_id", "session_timeout", "session_check", "close_session", "client_protocol_version"}
_TRANSFER = {"compress", "decompress", "buffer_size", "wait_end_of_query"}
_RESERVED = frozenset(_INTERFACE | _SESSION | _TRANSFER)
_DEFAULT_FORMAT = "TabSeparated"
# In a form, parameters with these ends describe a table.
_OF_TABLE = ("_structure", "_types", "_format")
_MOST_PARAMETERS = 10_000
_ID_BYTES = 1024
# ClickHouse's default_session_timeout and max_session_timeout.
_SESSION_SECONDS = 60
_MOST_SESSION_SECONDS = 3600


@dataclass(frozen=True)
class Ask:
    """A request. `text` is the beginning of the statement, from the URL or form; the body continues it."""

    mark: Mark
    text: bytes
    scope: Scope
    fields: Mapping[str, str]
    default_format: str
    waits: bool  # the answer begins only when the query has ended
    progress: bool  # the headers say how far the query has come
    revision: int  # of the client's protocol, 0 if not given (native.py)
    session: SessionName | None = None
    form: bool = False

    @property
    def query_id(self) -> str:
        """Return the client's id of the query."""
        return self.mark.query_id


def url_fields(request: web.Request) -> dict[str, str]:
    """Return the parameters of the URL; of several of one name, the first. What isn't UTF-8 becomes surrogates."""
    _, _, query = request.raw_path.partition("?")
    try:
        found = parse_qsl(
            query.partition("#")[0],
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise ClickHouseError(BAD_ARGUMENTS, f"The URL has more than {_MOST_PARAMETERS} parameters.") from None
    return dict(reversed(found))


def is_set(fields: Mapping[str, str], name: str) -> bool:
    """Return whether a parameter that is yes or no is given as yes."""
    return fields.get(name, "0").lower() in ("1", "true")


def read_ask(
    request: web.Request, user: User, fields: Mapping[str, str], form: Form | None, known_settings: Collection[str]
) -> Ask:
    """Parse a request. Parameters of the URL win over those of the form, which has external tables, too.

    Raises ClickHouseError for what this server does not offer.
    """
    fields = {**form.fields, **fields} if form is not None else fields
    if role := fields.get("role"):
        raise ClickHouseError(SET_NON_GRANTED_ROLE, f"Role {quote(role)} should be granted to set as a current.")
    external = tuple(_external(name, data, fields) for name, data in form.files) if form is not None else ()
    return Ask(
        mark=_mark(request, user, fields),
        text=fields.get("query", "").encode(errors="surrogateescape"),
        scope=Scope(
            database=fields.get("database", "") or request.headers.get("X-ClickHouse-Database", ""),
            settings=_settings(fields, form, known_settings),
            parameters=_parameters(fields),
            external=external,
            readonly=request.method != "POST",
            reader=user is User.READER,
        ),
        fields=fields,
        default_format=fields.get("default_format") or request.headers.get("X-ClickHouse-Format") or _DEFAULT_FORMAT,
        waits=is_set(fields, "wait_end_of_query"),
        progress=is_set(fields, "send_progress_in_http_headers"),
        revision=_number(fields, "client_protocol_version", 0),
        session=_session(fields),
        form=form is not None,
    )


def _mark(request: web.Request, user: User, fields: Mapping[str, str]) -> Mark:
    query_id = fields.get("query_id") or request.headers.get("X-ClickHouse-Query-Id") or ""
    if len(query_id.encode(errors="surrogateescape")) > _ID_BYTES or not (query_id.isprintable() or not query_id):
        raise ClickHouseError(BAD_ARGUMENTS, f"query_id must be printable and at most {_ID_BYTES} bytes long.")
    return Mark(user, query_id) if query_id else Mark.new(user)


def _session(fields: Mapping[str, str]) -> SessionName | None:
    name = fields.get("session_id", "")
    if not name:
        return None
    seconds = _number(fields, "session_timeout", _SESSION_SECONDS, INVALID_SESSION_TIMEOUT)
    if seconds > _MOST_SESSION_SECONDS:
        raise ClickHouseError(
            INVALID_SESSION_TIMEOUT,
            f"Session timeout '{seconds}' is larger than max_session_timeout: {_MOST_SESSION_SECONDS}.",
        )
    return SessionName(name, float(seconds), is_set(fields, "session_check"), is_set(fields, "close_session"))


def _number(fields: Mapping[str, str], name: str, default: int, code: int = BAD_ARGUMENTS) -> int:
    text = fields.get(name, "") or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ClickHouseError(code, f"{name} is {quote(text)}, not a number.")
    return int(text)


def _settings(fields: Mapping[str, str], form: Form | None, known: Collection[str]) -> dict[str, str]:
    """Return the settings among the parameters. In a form, what describes a table is none, whatever its name."""
    of_tables = {name + end for name, _ in (form.files if form is not None else ()) for end in _OF_TABLE}
    return {
        name: value
        for name, value in fields.items()
        if name not in _RESERVED
        and name not in of_tables
        and not name.startswith("param_")
        and not (form is not None and name.endswith(_OF_TABLE) and name not in known)
    }


def _parameters(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("param_"): value for name, value in fields.items() if name.startswith("param_")}


def _external(name: str, data: bytes, fields: Mapping[str, str]) -> External:
    structure = fields.get(f"{name}_structure", "")
    if not structure and (types := fields.get(f"{name}_types")):
        structure = ", ".join(f"_{number} {of_type}" for number, of_type in enumerate(_split_types(types), 1))
    if not structure:
        raise ClickHouseError(
            BAD_ARGUMENTS, f"Neither structure nor types have not been provided for external table {name}."
        )
    return External(name, structure, fields.get(f"{name}_format", _DEFAULT_FORMAT), data)


def _split_types(types: str) -> list[str]:
    """Split a list of types at the commas that are not within a type."""
    parts, depth = [""], 0
    for character in types:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
