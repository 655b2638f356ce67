"""/openapi.json and /docs."""

from starlette.routing import Route


def routes() -> list[Route]:
    """Return the pages."""
    return []
