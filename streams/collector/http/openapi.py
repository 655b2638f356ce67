"""The collector's interface as an OpenAPI document: for /openapi.json, /docs, and tests that draw requests from it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import models_json_schema

from impression_streams.flush import Flush
from streams import __version__
from streams.collector.rules.bodies import MOST_BYTES, MOST_SENT_BYTES
from streams.collector.rules.reading import MOST_FLUSHES

Document = dict[str, Any]

EXAMPLE = {
    "v": 1,
    "flush_id": "01932f6e-8f0a-7bbb-8d5c-0242ac120002",
    "user_id": "u42",
    "sent_at": 1732431600123,
    "impressions": [
        {"impression_id": "01932f6d-8f0a-7bbb-8d5c-0242ac120002", "artwork_id": "a0042", "seen_at": 1732431599000}
    ],
}
_LATER = {"Retry-After": {"description": "Seconds to wait before sending it again.", "schema": {"type": "integer"}}}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "reason": {"type": "string", "description": "A word for programs."},
        "detail": {"type": "string", "description": "A sentence for people."},
        "rejected": {"type": "array", "items": {"$ref": "#/components/schemas/Rejected"}},
        "limited": {"type": "array", "items": {"$ref": "#/components/schemas/Limited"}},
    },
}
_LIMITED = {
    "type": "object",
    "description": "A user with too many impressions. The lines that nobody's entry names may be sent at once.",
    "required": ["user_id", "lines", "retry_after"],
    "properties": {
        "user_id": {"type": "string"},
        "lines": {"type": "array", "items": {"type": "integer", "minimum": 0}, "description": "From 0."},
        "retry_after": {"type": "integer", "minimum": 1, "description": "Seconds to wait with these lines."},
    },
}
_REJECTED = {
    "type": "object",
    "required": ["line", "index", "reason"],
    "properties": {
        "line": {"type": "integer", "minimum": 0, "description": "The body's line, from 0."},
        "index": {"type": "integer", "minimum": -1, "description": "The impression in it, from 0; -1: the whole line."},
        "reason": {
            "type": "string",
            "enum": ["malformed", "oversize", "invalid", "future", "late", "unauthorised"],
        },
    },
}
_VERDICT = {
    "type": "object",
    "required": ["accepted", "rejected"],
    "properties": {
        "accepted": {"type": "integer", "minimum": 0, "description": "Impressions; duplicates are among them."},
        "rejected": {"type": "array", "items": {"$ref": "#/components/schemas/Rejected"}},
    },
}


def document(paths: Mapping[str, Any] | None = None) -> Document:
    """Return the document; `paths` are those of the read API."""
    _, definitions = models_json_schema([(Flush, "validation")], ref_template="#/components/schemas/{model}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "impression-streams collector",
            "version": __version__,
            "description": "Records what users saw. A 2xx means that it is stored safely; a request that got anything "
            "else may be sent again unchanged.",
        },
        "paths": {"/v1/impressions": {"post": _record()}, **(paths or {}), **_pages()},
        "components": {
            "schemas": {
                **definitions["$defs"],
                "Limited": _LIMITED,
                "Problem": _PROBLEM,
                "Rejected": _REJECTED,
                "Verdict": _VERDICT,
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "PASETO v4.public or JWS"}
            },
        },
    }


def problem(status: int, meaning: str) -> tuple[str, Document]:
    """Return a response that is a problem, by its status."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    later = {"headers": _LATER} if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE) else {}
    return str(status), {"description": meaning, "content": content, **later}


def _record() -> Document:
    sent, most = MOST_SENT_BYTES // 2**20, MOST_BYTES // 2**20
    schema = {"$ref": "#/components/schemas/Flush"}
    return {
        "operationId": "record",
        "summary": "Record flushes",
        "description": f"A flush, or one a line: at most {MOST_FLUSHES}, {sent} MiB as sent and {most} MiB inflated. "
        "What has a valid user_id goes to the log, good or bad; the answer names what will be rejected.",
        "security": [{}, {"token": []}],
        "parameters": [
            {
                "name": "encoding",
                "in": "query",
                "description": "gzip, for senders that can't set Content-Encoding.",
                "schema": {"type": "string", "enum": ["gzip", "identity"]},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema, "example": EXAMPLE},
                "text/plain": {"schema": {"type": "string"}},
            },
        },
        "responses": dict(
            [
                (
                    "202",
                    {
                        "description": "The brokers have acknowledged it.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Verdict"}}},
                    },
                ),
                problem(400, "Nothing in it can be read, or it isn't the gzip that it says it is."),
                problem(403, "The origin or the token may not record this."),
                problem(408, "The body didn't come in time."),
                problem(413, "Too many bytes or flushes: send fewer at once."),
                problem(415, "Another type or encoding."),
                problem(429, "Too much from this address or of this user."),
                problem(503, "Not stored, or not known to be: send it again."),
            ]
        ),
    }


def _pages() -> Document:
    text = {"content": {"text/plain": {"schema": {"type": "string"}}}}
    return {
        "/healthz": {
            "get": {"operationId": "healthz", "summary": "Alive", "responses": {"200": _said("It is.", text)}}
        },
        "/readyz": {
            "get": {
                "operationId": "readyz",
                "summary": "Whether the brokers acknowledge",
                "responses": {"200": _said("They do.", text), "503": _said("They don't, or it is ending.", text)},
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Prometheus metrics",
                "responses": {"200": _said("The metrics.", text)},
            }
        },
        **_recorder(),
    }


def _recorder() -> Document:
    absent = dict([problem(404, "This collector has another version, or was installed without the recorder.")])
    described = {"content": {"application/json": {"schema": {"type": "object", "required": ["version", "files"]}}}}
    kinds = ("text/javascript", "application/json", "text/plain")
    file = {"content": {kind: {"schema": {"type": "string"}} for kind in kinds}}
    parameters = [
        {"name": name, "in": "path", "required": True, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in (("version", "The recorder's version."), ("file", "A file's name."))
    ]
    unchanged = _said("The file is the one with the tag in If-None-Match.", {})
    return {
        "/recorder.json": {
            "get": {
                "operationId": "recorder",
                "summary": "The browser's recorder: its version, and each file with its path, size and hash",
                "description": "The hash is what a page's `integrity` attribute has.",
                "responses": {"200": _said("What there is.", described), "304": unchanged, **absent},
            }
        },
        "/recorder/{version}/{file}": {
            "get": {
                "operationId": "recorder_file",
                "summary": "A file of the browser's recorder, which never changes",
                "description": "`/recorder.js`, `/recorder.mjs` and `/recorder-stub.js` are the current version's.",
                "parameters": parameters,
                "responses": {"200": _said("The file.", file), "304": unchanged, **absent},
            }
        },
    }


def _said(meaning: str, content: Document) -> Document:
    return {"description": meaning, **content}
