"""What producers send on `impressions.v1`: one flush a line (contract §3)."""

from typing import Annotated

from pydantic import Field

from impression_streams.types import (
    MAX_EXPERIMENTS,
    MAX_IMPRESSIONS,
    FlushReason,
    Id,
    Integer,
    MaybeId,
    MaybeInteger,
    MaybeRatio,
    Strict,
    Tier,
    TimeMs,
    Transport,
    Version,
)


class Impression(Strict):
    """One user saw one artwork."""

    impression_id: Id
    artwork_id: Id
    seen_at: TimeMs
    pool_id: MaybeId = ""
    dwell_ms: MaybeInteger = None
    # By keyword: type checkers take a positional one for no default, unless they have pydantic's own plugin.
    visible: MaybeRatio = Field(default=None, description="share of the artwork's pixels that were on screen")
    position: MaybeInteger = None
    surface: MaybeId = ""


class Telemetry(Strict):
    """What the producer has to say about its own delivery."""

    attempts: Integer = 0
    failures: Integer = 0
    queued: Integer = 0
    dropped: Integer = 0


class Flush(Strict):
    """A user's impressions, sent together."""

    v: Version
    flush_id: Id
    user_id: Id
    sent_at: TimeMs
    impressions: Annotated[list[Impression], Field(min_length=1, max_length=MAX_IMPRESSIONS)]
    session_id: MaybeId = ""
    transport: Transport = "sdk"
    reason: FlushReason = "manual"
    tier: Tier = "free"
    experiments: Annotated[dict[Id, Id], Field(max_length=MAX_EXPERIMENTS)] = Field(default_factory=dict)
    # By keyword: as `visible`.
    client: MaybeId = Field(
        default="", description="family and major version of the browser, or of the SDK, such as firefox-153"
    )
    telemetry: Telemetry = Telemetry()
