"""A multipart form, as ClickHouse reads it: its fields are parameters, its files are external tables."""

from dataclasses import dataclass, field
from email.message import Message

from streams.embedded.clickhouse.errors import BAD_ARGUMENTS, CANNOT_READ_ALL_DATA, TOO_MANY_BYTES, ClickHouseError

_MOST_PARTS = 1000
_HEAD_BYTES = 64 << 10


@dataclass
class Form:
    """Fields by name, and files in their order; a part with a file name is a file, even if that name is empty."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)


def read_form(body: bytes, content_type: str) -> Form:
    """Parse a form. Raises BAD_ARGUMENTS without a boundary, CANNOT_READ_ALL_DATA if the form has no end."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary("")
    if not boundary:
        raise ClickHouseError(BAD_ARGUMENTS, "The multipart form has no boundary.")
    # Each part begins after a line end and the boundary; so the first one looks like the others.
    delimiter = b"\r\n--" + boundary.encode(errors="surrogateescape")
    at = 0 if body.startswith(delimiter[2:]) else body.find(delimiter) + 2
    form = Form()
    for _ in range(_MOST_PARTS):
        begin = at + len(delimiter) - 2
        if at == 1 or begin > len(body):
            raise ClickHouseError(CANNOT_READ_ALL_DATA, "The multipart form has no end.")
        if body[begin : begin + 2] == b"--":
            return form
        head_at = body.find(b"\r\n", begin)
        head_end = head_at if body[head_at : head_at + 4] == b"\r\n\r\n" else body.find(b"\r\n\r\n", head_at)
        end = body.find(delimiter, max(head_end + 2, head_at))
        if head_at < 0 or head_end < 0 or end < 0:
            raise ClickHouseError(CANNOT_READ_ALL_DATA, "The multipart form has no end.")
        if head_end - head_at > _HEAD_BYTES:
            raise ClickHouseError(TOO_MANY_BYTES, f"A part's headers are larger than {_HEAD_BYTES} bytes.")
        _add(form, body[head_at + 2 : head_end], body[head_end + 4 : max(end, head_end + 4)])
        at = end + 2
    raise ClickHouseError(TOO_MANY_BYTES, f"The multipart form has more than {_MOST_PARTS} parts.")


def _add(form: Form, head: bytes, data: bytes) -> None:
    """Add a part by its Content-Disposition; one without it, or without a name, has no meaning here."""
    part = Message()
    for line in head.decode(errors="surrogateescape").replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n"):
        header, _, value = line.partition(":")
        if header.strip().lower() == "content-disposition":
            part["Content-Disposition"] = value.strip()
    name = _parameter(part, "name")
    if name is None:
        return
    if _parameter(part, "filename") is not None:
        form.files.append((name, data))
    else:
        form.fields.setdefault(name, data.decode(errors="surrogateescape"))


def _parameter(part: Message, name: str) -> str | None:
    value = part.get_param(name, header="content-disposition")
    if isinstance(value, tuple):  # RFC 2231: charset, language, text
        value = value[2]
    return value
