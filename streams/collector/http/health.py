"""What the collector tells monitoring and orchestrators: /healthz, /readyz and /metrics; and robots, to stay away."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

ROBOTS = "User-agent: *\nDisallow: /\n"


def routes(why_not_ready: Callable[[], str | None], registry: CollectorRegistry) -> list[Route]:
    """Return the pages; `why_not_ready` says in a sentence why no traffic should come, None if it should."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        why = why_not_ready()
        return PlainTextResponse(f"{why or 'ready'}\n", 200 if why is None else 503)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def robots(_request: Request) -> Response:
        return PlainTextResponse(ROBOTS)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/robots.txt", robots),
    ]
