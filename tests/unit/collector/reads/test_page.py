"""The page shows answers as they are: their fields, and cursors that go on after the last item."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.collector.reads import config, cursors
from streams.collector.reads.openapi import paths
from streams.settings import Settings

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "reference" / "read-api.md").read_text()
EXAMPLES = re.findall(r"^```bash\n.*?/users/(\w+)/(\w+)\?.*?^```\n+```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_each_call_has_one_example() -> None:
    assert {f"/v1/users/{{user}}/{call}" for _, call, _ in EXAMPLES} == set(paths())


@pytest.mark.parametrize(("user", "call", "answer"), EXAMPLES, ids=[call for _, call, _ in EXAMPLES])
def test_an_example_has_the_fields_that_the_document_names(user: str, call: str, answer: str) -> None:
    schema = paths()[f"/v1/users/{{user}}/{call}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    body = orjson.loads(answer)
    assert list(body) == schema["required"]
    for name, items in ((name, value) for name, value in body.items() if isinstance(value, list)):
        fields: dict[str, Any] = schema["properties"][name]["items"]["properties"]
        assert all(list(item) == list(fields) for item in items)


def test_the_configuration_is_the_default_one() -> None:
    (answer,) = (answer for _, call, answer in EXAMPLES if call == "config")
    assert orjson.loads(answer) == config.of(Settings(), "u42", "pro")


def test_the_cursors_go_on_after_the_last_item() -> None:
    unseen, history = (orjson.loads(answer) for _, call, answer in EXAMPLES if call in ("unseen", "history"))
    assert cursors.read_unseen(unseen["next"], "main") > unseen["items"][-1]["ordinal"]
    assert cursors.read_history(history["next"])[0] == history["items"][-1]["seen_at"]
