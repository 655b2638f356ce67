"""Schemas don't drift from the models, and both accept the examples in topics.yaml."""

from typing import Any

import jsonschema
import orjson
import pytest
from pydantic import ValidationError

from streams.paths import project_path
from streams.provision import topics_file
from streams.settings import Settings
from tests.support.flushes import A, flush, impression, line
from tools import schemas

FOLDER = project_path("schemas")
TOPICS = topics_file.load(Settings())
JSON_TOPICS = sorted(name for name, topic in TOPICS.items() if not topic.binary)


def examples() -> list[Any]:
    """Yield one case per object: a line on topics of lines, a value on others; tombstones have none."""
    return [
        pytest.param(name, value, id=f"{name}-{number}")
        for name in JSON_TOPICS
        for number, example in enumerate(TOPICS[name].examples)
        for value in (example.value if isinstance(example.value, list) else [example.value])
        if value is not None
    ]


def validator(topic: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(orjson.loads((FOLDER / f"{topic}.json").read_bytes()))


def test_every_topic_with_json_values_has_a_model_and_a_file_and_there_are_no_other_files() -> None:
    assert sorted(schemas.MODELS) == JSON_TOPICS
    assert sorted(path.name for path in FOLDER.iterdir()) == [TOPICS[name].schema_file for name in JSON_TOPICS]


@pytest.mark.parametrize("topic", schemas.MODELS)
def test_the_file_matches_the_models(topic: str) -> None:
    assert (FOLDER / f"{topic}.json").read_text() == schemas.text(topic), "run `make schemas`"


@pytest.mark.parametrize("topic", schemas.MODELS)
def test_the_schema_is_valid(topic: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.schema(topic))


@pytest.mark.parametrize(("topic", "value"), examples())
def test_the_schema_and_the_model_accept_the_examples(topic: str, value: Any) -> None:
    validator(topic).validate(value)
    schemas.MODELS[topic].model_validate(value)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"impressions": []}, id="no impressions"),
        pytest.param({"impressions": [impression()] * 501}, id="501 impressions"),
        pytest.param({"user_id": "x" * 129}, id="id of 129"),
        pytest.param({"session_id": None}, id="null for an optional id"),
        pytest.param({"session_id": ""}, id="empty optional id"),
        pytest.param({"sent_at": True}, id="true for an integer"),
        pytest.param({"sent_at": A * 10}, id="absurd time"),
        pytest.param({"impressions": [impression(visible=1.5)]}, id="visible above 1"),
        pytest.param({"impressions": [impression(dwell_ms=None)]}, id="null for an optional integer"),
        pytest.param({"experiments": {f"e{n}": "x" for n in range(17)}}, id="17 experiments"),
        pytest.param({"experiments": {"a b": "x"}}, id="experiment that is no id"),
        pytest.param({"v": 2}, id="another version"),
    ],
)
def test_both_refuse_what_is_wrong(fields: dict[str, Any]) -> None:
    assert not validator("impressions.v1").is_valid(flush(**fields))
    with pytest.raises(ValidationError):
        schemas.MODELS["impressions.v1"].model_validate(flush(**fields))


def test_the_schema_too_allows_optional_fields_to_be_absent() -> None:
    validator("impressions.v1").validate(orjson.loads(line()))
    required = orjson.loads((FOLDER / "impressions.v1.json").read_bytes())["required"]
    assert sorted(required) == ["flush_id", "impressions", "sent_at", "user_id", "v"]
