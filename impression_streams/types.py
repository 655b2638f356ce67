"""The field types of the contract (contract §3): strict, so `true`, `1.0` and `1e3` are not integers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema

MAX_INTEGER = 2**53 - 1  # the largest that every JSON reader, JavaScript's included, keeps exact
MAX_TIME_MS = 9_999_999_999_999
MAX_IMPRESSIONS = 500
MAX_EXPERIMENTS = 16

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$")]
Integer = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
TimeMs = Annotated[int, Field(ge=0, le=MAX_TIME_MS, description="ms since the epoch")]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Version = Annotated[int, Field(ge=1, le=1, description="format of the flush")]

# Optional means that the field may be absent; null is a wrong value like any other.
MaybeInteger = Annotated[int | None, GetPydanticSchema(lambda _, handler: handler.generate_schema(Integer))]
MaybeRatio = Annotated[float | None, GetPydanticSchema(lambda _, handler: handler.generate_schema(Ratio))]
# An absent id reads as "", which no id can be.
MaybeId = Annotated[str, GetPydanticSchema(lambda _, handler: handler.generate_schema(Id))]

Transport = Literal["fetch", "beacon", "keepalive", "sync", "sdk", "replay"]
FlushReason = Literal["timer", "size", "hidden", "pagehide", "manual"]
Tier = Literal["free", "pro"]


def _drop_absent(schema: dict[str, Any]) -> None:
    """Leave defaults that stand for "absent" out of a JSON Schema: they are not valid values."""
    for field in schema.get("properties", {}).values():
        if field.get("default", 0) in (None, ""):
            del field["default"]


class Strict(BaseModel):
    """Base of every model: exact types, immutable, unknown fields ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", json_schema_extra=_drop_absent)
