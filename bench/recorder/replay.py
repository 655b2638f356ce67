"""What each setting costs the servers: the model's requests of many users, really sent, at a steady rate."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

import aiohttp

from bench.end_to_end.clickhouse import Database
from bench.lib.broker import HOST
from bench.lib.figures import say
from bench.recorder import stack
from bench.recorder.rules import Recorder
from bench.recorder.settings import SETTINGS, Setting
from bench.recorder.text import flush, impression, packed, raw_size, uuid7
from bench.recorder.viewers import GALLERY, Session, sessions
from load.users.plan import artwork_id
from streams.errors import UserError
from streams.settings import Settings

# All cells have this rate (a second), since the collector packs together what arrives together.
RATE = 3_000.0
# So long, of the time of a setting, the servers are watched doing nothing.
IDLE_SHARE = 0.5
CONNECTIONS, STORED_SECONDS = 64, 120.0
# All of it lies in the past: what is seen too far in the future is rejected.
PAST_MS = 3_600_000


class Body(NamedTuple):
    """A request's body, and how many impressions it brings for the first time."""

    data: bytes
    zipped: bool
    impressions: int
    copy: bool


def bodies(setting: Setting, count: int, run: str) -> list[Body]:
    """Return the requests of as many sessions as record `count` impressions, in the order of their times."""
    timed = list[tuple[float, Body]]()
    rng, recorded = Random(run), 0
    for number, visit in enumerate(sessions(GALLERY, count)):
        # Sessions are under way at any time: each begins at another.
        begun = rng.uniform(0, 600)
        timed += [(begun + at, body) for at, body in _of(setting, visit, f"{run}-{number}", rng)]
        recorded += len(visit.recorded)
        if recorded >= count:
            break
    return [body for _, body in sorted(timed, key=lambda each: each[0])]


def _of(setting: Setting, visit: Session, user: str, rng: Random) -> Iterator[tuple[float, Body]]:
    base, done = time.time_ns() // 1_000_000 - PAST_MS, 0
    session = uuid7(base, rng)
    for request in Recorder(setting, raw_size).play(visit).requests:
        times = visit.recorded[done : done + request.impressions]
        each = [impression(artwork_id(done + n), base + round(1000 * at), done + n, rng) for n, at in enumerate(times)]
        done += request.impressions
        text = flush(user, session, base + round(1000 * request.at), each, rng, exits=request.exit)
        data = text.encode() if request.exit else packed(text)
        for copy in range(request.copies):
            yield request.at, Body(data, data[:2] == b"\x1f\x8b", request.impressions, copy > 0)


def measure(settings: Settings, seconds: float, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Send each setting's requests for so long, in several rounds; return CPU seconds of 100,000 impressions."""
    server = Servers(settings)
    found: dict[str, dict[str, list[float]]] = {}
    server.play(bodies(SETTINGS[0], round(RATE * seconds), _run("warm-up")), seconds)
    for number in range(rounds):
        # Every second round in reverse order, so that none is always the one that comes after another.
        for setting in SETTINGS[:: -1 if number % 2 else 1]:
            requests = bodies(setting, round(RATE * seconds), _run(f"{setting.name}-{number}"))
            # Just before: how much they use depends on how busy the machine is with other things.
            idle = server.idle(IDLE_SHARE * seconds)
            used, lasted = server.play(requests, seconds)
            new = sum(each.impressions for each in requests if not each.copy)
            cell = found.setdefault(setting.name, {})
            for name, spent in used.items():
                cell.setdefault(name, []).append((spent - idle[name] * lasted) / new * 100_000)
            cell.setdefault("requests", []).append(len(requests) / new * 100)
            say(f"  {setting.name}: {new:,} impressions in {len(requests):,} requests, {lasted:.0f} s")
    return found


def _run(name: str) -> str:
    """Return how the ids of a run's users begin."""
    return f"{name.replace(' ', '')}-{time.time_ns():x}"


class Servers:
    """The programs that are measured, and how much they have been sent."""

    def __init__(self, settings: Settings) -> None:
        """Raises UserError if ClickHouse is unreachable."""
        self._settings, self._database, self._sent = settings, Database(settings), 0

    def idle(self, seconds: float) -> dict[str, float]:
        """Return the cores that each program uses when there is nothing to do."""
        begun, before = time.monotonic(), stack.cpu(self._settings)
        time.sleep(seconds)
        lasted, after = time.monotonic() - begun, stack.cpu(self._settings)
        return {name: (after[name] - before[name]) / lasted for name in after}

    def play(self, requests: Sequence[Body], seconds: float) -> tuple[dict[str, float], float]:
        """Send requests within so many seconds; return the CPU seconds that each program used until all is readable.

        Also how long that took. Raises UserError if something is refused, or doesn't arrive.
        """
        total = sum(each.impressions for each in requests)
        self._sent += total
        begun, before = time.monotonic(), stack.cpu(self._settings)
        asyncio.run(post(self._settings, requests, total / seconds))
        self._database.wait_received(self._sent, STORED_SECONDS)
        after = stack.cpu(self._settings)
        return {name: after[name] - before[name] for name in after}, time.monotonic() - begun


async def post(settings: Settings, requests: Sequence[Body], rate: float) -> None:
    """Send requests at a rate of impressions, each whether or not those before are answered. Raises UserError."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    url = f"http://{HOST}:{settings.collector_port}/v1/impressions"
    begun, due = time.monotonic(), 0.0
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for body in requests:
            await asyncio.sleep(max(0.0, begun + due - time.monotonic()))
            group.create_task(_post(session, url + ("?encoding=gzip" if body.zipped else ""), body.data))
            due += body.impressions / rate


async def _post(session: aiohttp.ClientSession, url: str, data: bytes) -> None:
    headers = {"Content-Type": "text/plain;charset=UTF-8"}
    async with session.post(url, data=data, headers=headers) as response:
        said = await response.json()
        if response.status != 202 or said["rejected"]:
            raise UserError(f"The collector answered {response.status}: {said}.")
