"""topics.yaml, read strictly: the definition of every topic, for provisioning, tests and documents."""

import re
from collections.abc import Hashable
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from streams.errors import UserError
from streams.paths import project_path
from streams.settings import Settings

PROJECT_FILE = "topics.yaml"
BINARY = "none: binary"
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1)}

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]


class Strict(BaseModel):
    """A part of the file: unknown fields are errors, and values are not converted."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Example(Strict):
    """One record. In a topic of lines, the value is a list with an object per line; in a binary one, both are hex."""

    key: str | None
    value: JsonValue


class Topic(Strict):
    """One topic as topics.yaml declares it."""

    description: Text
    key: Text
    value: Text
    owner: Text
    producers: Annotated[list[Text], Field(min_length=1)]
    consumers: Annotated[list[Text], Field(min_length=1)]
    schema_file: Annotated[str, Field(alias="schema", pattern=rf"^([a-z0-9.-]+\.json|{BINARY})$")]
    partitions: Count
    copartitioned_with: str | None = None
    partition_growth: Literal["allowed", "refused"]
    replication: Count | Literal["from-settings"]
    min_insync: Count | Literal["all-but-one"]
    cleanup: Literal["delete", "compact"]
    retention: Annotated[str, Field(pattern=r"^([1-9]\d*[dh]|forever)$")]
    max_message_bytes: Count
    timestamp_type: Literal["LogAppendTime", "CreateTime"]
    config: dict[str, str | int | float] = Field(default_factory=dict)
    examples: Annotated[list[Example], Field(min_length=1)]

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.cleanup == "compact") != (self.retention == "forever"):
            raise ValueError("retention is 'forever' exactly where cleanup is 'compact'")
        if own := self.config.keys() & self._fields(1).keys():
            raise ValueError(f"config repeats what a field says: {', '.join(sorted(own))}")
        return self

    @property
    def binary(self) -> bool:
        """Whether keys and values are bytes without a schema."""
        return self.schema_file == BINARY

    @property
    def retention_ms(self) -> int:
        """How long records are kept (ms); -1 for forever, as Kafka writes it."""
        found = re.fullmatch(r"(\d+)([dh])", self.retention)
        return -1 if found is None else int(found[1]) * _UNITS[found[2]] // timedelta(milliseconds=1)

    def replicas(self, from_settings: int) -> int:
        """Return the replication factor."""
        return from_settings if self.replication == "from-settings" else self.replication

    def kafka_config(self, replicas: int) -> dict[str, str]:
        """Return the topic's configuration in Kafka's names and spelling, for that many replicas."""
        return {name: str(value) for name, value in {**self.config, **self._fields(replicas)}.items()}

    def _fields(self, replicas: int) -> dict[str, str | int]:
        """Return the settings that have a field of their own."""
        return {
            "cleanup.policy": self.cleanup,
            # Kafka ignores it on compacted topics; it is set all the same, so no broker default ever applies to state.
            "retention.ms": self.retention_ms,
            "max.message.bytes": self.max_message_bytes,
            "message.timestamp.type": self.timestamp_type,
            "min.insync.replicas": max(1, replicas - 1) if self.min_insync == "all-but-one" else self.min_insync,
        }


class TopicsFile(Strict):
    """The whole file. `defaults` only holds the values that entries refer to."""

    defaults: dict[str, str | int] = Field(default_factory=dict)
    topics: Annotated[dict[Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")], Topic], Field(min_length=1)]

    @model_validator(mode="after")
    def _copartitioned(self) -> Self:
        for name, topic in self.topics.items():
            other = self.topics.get(topic.copartitioned_with) if topic.copartitioned_with else topic
            if other is None:
                raise ValueError(f"{name}: copartitioned_with names {topic.copartitioned_with}, which is not declared")
            if other.partitions != topic.partitions:
                raise ValueError(
                    f"{name}: {topic.partitions} partitions, but {topic.copartitioned_with} has {other.partitions}"
                )
        return self


def load(settings: Settings) -> dict[str, Topic]:
    """Return the declared topics by name, from the project's file or the one that the settings name.

    Raises UserError that names the line (for invalid YAML or a repeated key) or the entry that is wrong.
    """
    path = settings.topics_file or project_path(PROJECT_FILE)
    try:
        text = path.read_text()
    except OSError as error:
        raise UserError(
            f"{path} can't be read ({error.strerror}): IMPRESSIONS_TOPICS_FILE names another topics.yaml."
        ) from None
    return parse(text, str(path))


def parse(text: str, source: str) -> dict[str, Topic]:
    """Return the topics that a YAML text declares. Raises UserError as `load` does, naming `source`."""
    try:
        return TopicsFile.model_validate(yaml.load(text, _Loader)).topics
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{source}{line}: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{source}: {error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(f"{source}, {where}: {first['msg'].removeprefix('Value error, ')}.") from None


class _Loader(yaml.SafeLoader):
    """Plain YAML in which a repeated key is an error; in the standard loader, the last one wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            name = (key.tag, key.value if isinstance(key, yaml.ScalarNode) else id(key))
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} appears twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)
