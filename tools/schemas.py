"""Writes the JSON Schemas of all topics with JSON values from the models: `python -m tools.schemas [FOLDER]`.

A schema describes one JSON object: a line on topics of lines, a record's value on the others. It accepts slightly more
than the worker does: 1.0 is an integer in JSON Schema, but not in docs/contract.md §3.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from impression_streams.flush import Flush
from streams.model.artwork import ArtworkRecord
from streams.model.rows import Accepted, Coverage, LedgerRow, Rejected

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# By the topic's name, which also names the file.
MODELS: dict[str, type[BaseModel]] = {
    "artworks.v1": ArtworkRecord,
    "coverage.v1": Coverage,
    "impressions.accepted.v1": Accepted,
    "impressions.ledger.v1": LedgerRow,
    "impressions.rejected.v1": Rejected,
    "impressions.v1": Flush,
}
COMMENT = "Written by tools/schemas.py. What fields mean: docs/contract.md §2 (topics), §3 (flush), §4 (rules)."


def schema(topic: str) -> dict[str, Any]:
    """Return the JSON Schema of a topic's values."""
    found = MODELS[topic].model_json_schema()
    _close_maps(found)
    return {"$schema": DIALECT, "$id": f"{topic}.json", "$comment": COMMENT, **found}


def _close_maps(node: Any) -> None:
    """Refuse keys that are not ids: pydantic defines a matching key's value, but doesn't require every key to match."""
    if isinstance(node, dict) and "patternProperties" in node:
        node["additionalProperties"] = False
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _close_maps(child)


def text(topic: str) -> str:
    """Return the schema file's text: the same for the same models."""
    return json.dumps(schema(topic), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(folder: Path) -> list[Path]:
    """Write one file per topic; return their paths. Other files stay."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for topic in MODELS:
        path = folder / f"{topic}.json"
        path.write_text(text(topic))
        paths.append(path)
    return paths


if __name__ == "__main__":
    for written in write(Path(sys.argv[1] if len(sys.argv) > 1 else "schemas")):
        sys.stdout.write(f"{written}\n")
