"""The read API over HTTP: parameters, pages, validators, problems and tokens (contract §7)."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from streams.collector.reads import config, cursors
from streams.collector.reads.answers import ProblemError
from streams.collector.reads.api import routes
from streams.collector.reads.errors import AwayError
from streams.collector.reads.openapi import paths
from streams.collector.reads.requests import Claims
from streams.collector.reads.rows import Row
from streams.collector.reads.seen import PoolCoverage
from streams.collector.reads.service import Coverage, Reads
from streams.collector.reads.timeline import Key, join
from streams.settings import Settings
from tests.support.reads import NOW, row

MAIN = PoolCoverage("main", 1, 4, 0.25, 0.75, 2, NOW)
SIDE = PoolCoverage("side", 0, 0, 0.0, 1.0, 0, NOW)


class Told:
    """Reads that answer what a test told them."""

    def __init__(self) -> None:
        self.covered = Coverage([MAIN, SIDE])
        self.artworks = [(f"a{n}", 2 * n) for n in range(120)]
        self.rows = [row("u1", n) for n in range(120)]
        self.changes = 0
        self.away = ""
        self.asked: list[tuple[Any, ...]] = []

    def require_current(self) -> None:
        if self.away:
            raise AwayError(self.away)

    def version(self, user_id: str) -> str:
        return f"{user_id}-{self.changes}"

    async def coverage(self, user_id: str) -> Coverage:
        self.asked.append(("coverage", user_id))
        self.require_current()
        return self.covered if user_id == "u1" else Coverage([])

    async def unseen(self, user_id: str, pool_id: str, first: int, most: int) -> list[tuple[str, int]]:
        self.asked.append(("unseen", user_id, pool_id, first, most))
        return [each for each in self.artworks if each[1] >= first][:most] if pool_id == "main" else []

    async def history(self, user_id: str, before: Key | None, most: int) -> list[Row]:
        self.asked.append(("history", user_id, before, most))
        return join([each for each in self.rows if before is None or each.key < before], [], None, most)


def got(
    told: Told, *urls: str, claims: Claims = lambda request: None, headers: dict[str, str] | None = None
) -> list[httpx.Response]:
    """Get paths below /v1/users/, one after the other."""
    app = Starlette(routes=routes(cast(Reads, told), claims))

    async def get() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://collector") as client:
            return [await client.get(f"/v1/users/{url}", headers=headers) for url in urls]

    return asyncio.run(get())


def test_coverage_of_all_pools_and_of_one() -> None:
    everything, one, none = got(Told(), "u1/coverage", "u1/coverage?pool=main", "u2/coverage")
    assert everything.json() == {"pools": [MAIN._asdict(), SIDE._asdict()]}
    assert one.json() == {"pools": [MAIN._asdict()]}
    assert none.json() == {"pools": []}
    assert everything.headers["cache-control"] == "private, no-cache"
    assert set(MAIN._asdict()) == {
        *("pool_id", "seen", "pool_size", "coverage", "freshness", "impressions_1h", "updated_at"),
    }


def test_what_was_last_known_is_marked_and_not_to_be_kept() -> None:
    told = Told()
    told.covered = Coverage([MAIN], True, NOW - 5)
    (answer,) = got(told, "u1/coverage")
    assert answer.json() == {"pools": [MAIN._asdict()], "stale": True, "as_of": NOW - 5}
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


@pytest.mark.parametrize("name", ["unseen?pool=main", "history?"])
@pytest.mark.parametrize("limit", [7, 60, 500])
def test_a_list_is_read_page_by_page_to_its_end(name: str, limit: int) -> None:
    told, items, cursor = Told(), list[Any](), ""
    while cursor is not None:
        (answer,) = got(told, f"u1/{name}&limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        page = answer.json()
        assert page.keys() == {"items", "next"}
        assert len(page["items"]) == limit or page["next"] is None
        items += page["items"]
        cursor = page["next"]
    ids = [item["artwork_id"] for item in items]
    assert ids == [f"a{n}" for n in (range(120) if name.startswith("unseen") else range(119, -1, -1))]


def test_the_items_fields() -> None:
    told = Told()
    told.rows = [row("u1", 7, pool_id="", surface="", fresh=False), row("u1", 8)]
    unseen, history = got(told, "u1/unseen?pool=main&limit=1", "u1/history")
    assert unseen.json()["items"] == [{"artwork_id": "a0", "ordinal": 0}]
    assert history.json() == {
        "items": [
            {"artwork_id": "a8", "pool_id": "main", "seen_at": NOW + 8, "surface": "gallery", "fresh": True},
            {"artwork_id": "a7", "pool_id": None, "seen_at": NOW + 7, "surface": None, "fresh": False},
        ],
        "next": None,
    }


def test_limits_and_cursors_reach_the_reads() -> None:
    told, key = Told(), (NOW + 3, f"{3:032x}")
    got(
        told,
        "u1/unseen?pool=main",
        f"u1/unseen?pool=main&cursor={cursors.unseen('main', 9)}&limit=500",
        "u1/history",
        f"u1/history?before={NOW}",
        f"u1/history?cursor={cursors.history(key)}&before={NOW + 9}",
        f"u1/history?cursor={cursors.history(key)}&before={NOW}",
    )
    assert told.asked == [
        ("unseen", "u1", "main", 0, 51),
        ("unseen", "u1", "main", 9, 501),
        ("history", "u1", None, 51),
        ("history", "u1", (NOW, ""), 51),
        ("history", "u1", key, 51),
        ("history", "u1", (NOW, ""), 51),
    ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("u1/unseen", "pool is missing"),
        ("u1/unseen?pool=", "pool is not an id"),
        ("u1/unseen?pool=a%20b", "pool is not an id"),
        ("u1/unseen?pool=a&pool=b", "pool is given 2 times"),
        ("u1/coverage?pool=%C3%A9", "pool is not an id"),
        ("a%20b/coverage", "The user is not an id"),
        (f"{'u' * 129}/coverage", "The user is not an id"),
        ("u1/unseen?pool=main&limit=0", "limit is an integer from 1 to 500"),
        ("u1/unseen?pool=main&limit=501", "limit is an integer from 1 to 500"),
        ("u1/history?limit=-1", "limit is an integer"),
        ("u1/history?limit=1.0", "limit is an integer"),
        ("u1/history?limit=%D9%A1", "limit is an integer"),
        ("u1/history?limit=", "limit is an integer"),
        ("u1/history?before=x", "before is a time"),
        ("u1/history?before=10000000000000", "before is a time"),
        ("u1/history?cursor=x", "cursor is not one of this list"),
        (f"u1/history?cursor={cursors.unseen('main', 1)}", "cursor is not one of this list"),
        (f"u1/unseen?pool=other&cursor={cursors.unseen('main', 1)}", "cursor is not one of this list"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(url: str, said: str) -> None:
    told = Told()
    (answer,) = got(told, url)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", "Bad Request", 400)
    assert said in problem["detail"]
    assert told.asked == []


@pytest.mark.parametrize("url", ["u1/unseen?pool=main", "u1/history"])
def test_an_answer_that_has_not_changed_is_not_made_again(url: str) -> None:
    told = Told()
    (answer,) = got(told, url)
    tag = answer.headers["etag"]
    (same,) = got(told, url, headers={"if-none-match": f'"other", {tag}'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert len(told.asked) == 1
    other, longer = got(
        told, url.replace("u1", "u2"), f"{url}{'&' if '?' in url else '?'}limit=3", headers={"if-none-match": tag}
    )
    assert (other.status_code, longer.status_code) == (200, 200)
    told.changes += 1
    (changed,) = got(told, url, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_coverage_is_the_same_until_its_answer_is_another() -> None:
    told = Told()
    (answer,) = got(told, "u1/coverage")
    tag = answer.headers["etag"]
    (same,) = got(told, "u1/coverage", headers={"if-none-match": tag})
    assert same.status_code == 304
    told.covered = Coverage([MAIN._replace(impressions_1h=1), SIDE])
    (changed,) = got(told, "u1/coverage", headers={"if-none-match": tag})
    assert changed.status_code == 200


@pytest.mark.parametrize("url", ["u1/coverage", "u1/unseen?pool=main", "u1/history"])
def test_what_can_not_be_answered_now_may_be_asked_again(url: str) -> None:
    told = Told()
    told.away = "ClickHouse gave no answer in time"
    answers = got(told, *[url] * 20)
    assert {answer.status_code for answer in answers} == {503}
    assert answers[0].json()["detail"] == "This can't be answered now: ClickHouse gave no answer in time."
    assert {answer.headers["retry-after"] for answer in answers} <= {"1", "2", "3"}
    assert len({answer.headers["retry-after"] for answer in answers}) > 1
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


def only(user_id: str) -> Callable[[Request], str | None]:
    def claims(request: Request) -> str | None:
        if "authorization" not in request.headers:
            raise ProblemError(401, "token", "A token is needed.", www_authenticate="Bearer")
        return user_id

    return claims


@pytest.mark.parametrize("call", ["coverage", "unseen?pool=main", "history"])
def test_a_token_reads_its_user_and_no_other(call: str) -> None:
    told = Told()
    own, others = got(told, f"u1/{call}", f"u2/{call}", claims=only("u1"), headers={"authorization": "Bearer x"})
    assert (own.status_code, others.status_code) == (200, 403)
    (none,) = got(told, f"u1/{call}", claims=only("u1"))
    assert (none.status_code, none.headers["www-authenticate"]) == (401, "Bearer")
    assert len(told.asked) == 1


def test_a_tag_of_ones_own_does_not_open_anothers_answer() -> None:
    (answer,) = got(Told(), "u2/history")
    (refused,) = got(
        Told(), "u2/history", claims=only("u1"), headers={"authorization": "x", "if-none-match": answer.headers["etag"]}
    )
    assert refused.status_code == 403


def test_the_document_describes_each_route_with_its_parameters() -> None:
    described = paths()
    offered = [*routes(cast(Reads, Told())), *config.routes(Settings())]
    assert {route.path for route in offered} == set(described)
    names = {path: {each["name"] for each in methods["get"]["parameters"]} for path, methods in described.items()}
    assert names == {
        "/v1/users/{user}/coverage": {"user", "pool"},
        "/v1/users/{user}/unseen": {"user", "pool", "limit", "cursor"},
        "/v1/users/{user}/history": {"user", "before", "limit", "cursor"},
        "/v1/users/{user}/config": {"user", "tier"},
    }
