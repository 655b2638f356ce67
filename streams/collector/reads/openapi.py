"""The read API's part of the OpenAPI document; errors are the document's `Problem`."""

from typing import Any

from streams.collector.reads.cursors import LONGEST

Document = dict[str, Any]

LIMIT, MOST = 50, 500
_ID = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}
_TIME = {"type": "integer", "minimum": 0, "description": "ms since the epoch"}
_COUNT = {"type": "integer", "minimum": 0}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_TEXT = {"type": ["string", "null"]}
_LATER = {"Retry-After": {"description": "Seconds to wait before asking again.", "schema": {"type": "integer"}}}
_TAG = {"ETag": {"description": "For If-None-Match.", "schema": {"type": "string"}}}


def paths() -> Document:
    """Return the paths, by the document's rules."""
    return {
        "/v1/users/{user}/coverage": _get(
            "coverage",
            "How much of each pool a user has seen",
            "With `stale`, it is as it was known at `as_of`, since ClickHouse doesn't answer.",
            [_query("pool", "Only this pool.", _ID)],
            _object({"pools": _list(_POOL)}, {"stale": {"const": True}, "as_of": _TIME}),
        ),
        "/v1/users/{user}/unseen": _get(
            "unseen",
            "The active artworks of a pool that a user has not seen, by ordinal",
            "Ask with `next` as the cursor for what follows.",
            [_query("pool", "The pool.", _ID, True), *_paging()],
            _page({"artwork_id": _ID, "ordinal": _COUNT}),
        ),
        "/v1/users/{user}/history": _get(
            "history",
            "What a user saw, newest first",
            "Repeats are in it; duplicates are not.",
            [_query("before", "Only what was seen before.", {**_TIME, "maximum": 9_999_999_999_999}), *_paging()],
            _page(
                {"artwork_id": _ID, "pool_id": _TEXT, "seen_at": _TIME, "surface": _TEXT, "fresh": {"type": "boolean"}}
            ),
        ),
        **config(),
    }


def config() -> Document:
    """Return the path that needs neither ClickHouse nor the brokers."""
    path = _get(
        "config",
        "What a user's recorder is to do",
        "When to flush, how many impressions at once, and what counts as seen.",
        [_query("tier", "The user's tier.", {"type": "string", "enum": ["free", "pro"], "default": "free"})],
        _CONFIG,
    )
    del path["get"]["responses"]["503"]
    return {"/v1/users/{user}/config": path}


def _get(name: str, summary: str, description: str, parameters: list[Document], body: Document) -> Document:
    user = {"name": "user", "in": "path", "required": True, "schema": _ID, "description": "The user's id."}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "description": description,
            "security": [{}, {"token": []}],
            "parameters": [user, *parameters],
            "responses": {
                "200": {
                    "description": "The answer; of an unknown user, an empty one.",
                    "headers": _TAG,
                    "content": {"application/json": {"schema": body}},
                },
                "304": {"description": "The answer is the one with the tag in If-None-Match.", "headers": _TAG},
                "400": _problem("A parameter is wrong or missing."),
                "401": _problem("The token is missing or not valid."),
                "403": _problem("The token is another user's."),
                "404": _problem("There is nothing at this path: a user has a name, and it has no slash."),
                "429": _problem("Too many requests from this address.") | {"headers": _LATER},
                "503": _problem("It can't be answered now.") | {"headers": _LATER},
            },
        }
    }


def _problem(meaning: str) -> Document:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": meaning, "content": {"application/problem+json": {"schema": schema}}}


def _query(name: str, meaning: str, schema: Document, required: bool = False) -> Document:
    return {"name": name, "in": "query", "description": meaning, "required": required, "schema": schema}


def _paging() -> list[Document]:
    limit = {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}
    return [
        _query("limit", "Most items.", limit),
        _query("cursor", "`next` of the answer before.", {"type": "string", "maxLength": LONGEST}),
    ]


def _object(required: Document, optional: Document | None = None) -> Document:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _list(items: Document) -> Document:
    return {"type": "array", "items": items}


def _page(item: Document) -> Document:
    return _object({"items": _list(_object(item)), "next": _TEXT})


_POOL = _object(
    {
        "pool_id": _ID,
        "seen": _COUNT,
        "pool_size": _COUNT,
        "coverage": _SHARE,
        "freshness": _SHARE,
        "impressions_1h": _COUNT,
        "updated_at": _TIME,
    }
)
_CONFIG = _object(
    {
        "flush_ms": {**_COUNT, "description": "How long the first impression that waits, waits at most."},
        "batch_size": {"type": "integer", "minimum": 50, "maximum": 500},
        "tier": {"type": "string", "enum": ["free", "pro"]},
        "visible_ratio": _SHARE,
        "visible_ms": _COUNT,
        "experiments": {"type": "object", "maxProperties": 16, "additionalProperties": _ID},
    }
)
