"""`GET /v1/users/{user}/config`: what a user's recorder is to do (contract §7).

It asks neither ClickHouse nor the brokers, so it answers also while they are away.
"""

from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from impression_streams.types import Tier
from streams.collector.reads.answers import found, matches, not_modified, validator, wrong
from streams.collector.reads.requests import Claims, observed, one, user
from streams.settings import Settings

TIERS: tuple[Tier, ...] = get_args(Tier)
# A page that follows another within minutes need not ask again; what has changed since reaches it a little later.
_CACHE = "private, max-age=300"


def routes(settings: Settings, claims: Claims = lambda request: None) -> list[Route]:
    """Return the route."""

    async def config(request: Request) -> Response:
        body = of(settings, user(request, claims), _tier(request))
        tag = validator(repr(body))
        answer = not_modified(tag) if matches(request, tag) else found(body, tag)
        answer.headers["cache-control"] = _CACHE
        return answer

    return [Route("/v1/users/{user}/config", observed("config", config), methods=["GET"], name="config")]


def of(settings: Settings, user_id: str, tier: Tier) -> dict[str, Any]:
    """Return a user's configuration: the tier's defaults, and what the user's experiments change."""
    return {
        "flush_ms": settings.recorder_pro_flush_ms if tier == "pro" else settings.recorder_free_flush_ms,
        "batch_size": settings.recorder_batch_size,
        "tier": tier,
        "visible_ratio": settings.recorder_visible_ratio,
        "visible_ms": settings.recorder_visible_ms,
        "experiments": experiments(user_id, tier),
    }


def experiments(_user_id: str, _tier: Tier) -> dict[str, str]:
    """Return the variant of each experiment that a user is in. None is declared anywhere yet."""
    return {}


def _tier(request: Request) -> Tier:
    given = one(request, "tier")
    for tier in TIERS:
        if given in (None, tier):
            return tier
    raise wrong(f"tier is {' or '.join(TIERS)}.")
