"""What the collector's rules cost by themselves, without a server: `python -m bench.reading`.

Each row is the least CPU time of several rounds. The longest step is what everybody else waits for, at most, while a
body is read; a step's time includes its decoding.
"""

import argparse
import gc
import gzip
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import orjson
from joserfc import jws
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode
from pyseto import Key, Paseto

from bench.lib.figures import say, table
from bench.lib.figures import write as write_figures
from streams.collector.rules import token_keys, token_text
from streams.collector.rules.answers import of_reading
from streams.collector.rules.bodies import Body
from streams.collector.rules.reading import Authority, Reader
from streams.collector.rules.tokens import Tokens
from streams.core.judge import Rules

NOW_S = 1_732_431_600
NOW = 1_000 * NOW_S
RULES = Rules(window_ms=600_000, lateness_ms=86_400_000, tolerance_ms=300_000)
PARTITIONS = 4
COLUMNS = ("what", "bytes", "µs", "longest step, µs")
# Rounds take this long at most, and there is more than one (s).
SECONDS = 0.5
MICROSECONDS = 1_000_000

Row = tuple[str, str, str, str]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; return the exit code 0."""
    parser = argparse.ArgumentParser("bench.reading", description=__doc__)
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="where figures go, as JSON")
    options = parser.parse_args(argv)
    gc.collect()
    gc.disable()  # as the collector does while it has requests
    rows = [*_bodies(), *_tokens()]
    for line in table(COLUMNS, rows):
        say(line)
    if options.results:
        write_figures("reading", {"rows": [dict(zip(COLUMNS, row, strict=True)) for row in rows]}, options.results)
    return 0


def _bodies() -> Iterator[Row]:
    """Measure from the bytes as sent to the answer's bytes."""
    ten = flush(10)
    yield _read("a flush of 10 impressions", ten)
    yield _read("the same, gzip", gzip.compress(ten), is_gzip=True)
    yield _read("the same, with a field that we don't know", flush(10, more=1))
    yield _read("the same, after its token", b'{"token":"%s"}\n' % _paseto().encode() + ten, authority=True)
    yield _read("a flush of 500 impressions", flush(500))
    yield _read("500 flushes of 10 impressions, gzip", gzip.compress(b"\n".join([ten] * 500)), is_gzip=True)
    yield _read("10 flushes of 500 wrong impressions", b"\n".join([flush(0, impressions=[0] * 500)] * 10))
    yield _read("4 MiB of small arrays, gzip", gzip.compress(b"[" + b"[]," * 1_390_000 + b"[]]"), is_gzip=True)
    yield _read("500 lines that are no JSON", b"?\n" * 500)


def _tokens() -> Iterator[Row]:
    """Measure a token that is verified, and one that was verified before."""
    for what, text in (("a PASETO", _paseto()), ("a JWS", _jws())):
        known, size = _authority().tokens, str(len(text))
        keys = known.keys
        yield what, size, f"{_time(partial(token_text.verify, text, keys)):.1f}", ""
        yield f"{what} that is known", size, f"{_time(partial(known.claims, text, NOW_S)):.2f}", ""


def flush(count: int, **fields: object) -> bytes:
    """Return a flush as a recorder makes it."""
    impressions = [
        {
            "impression_id": f"01932f6d-{n:04x}-7000-8000-{NOW - n:012x}",
            "artwork_id": f"a{n * 7919 % 100_000:05}",
            "seen_at": NOW - 700 * n,
            "pool_id": "main",
            "dwell_ms": 1_000 + n,
            "visible": 0.8,
            "position": n,
            "surface": "gallery",
        }
        for n in range(count)
    ]
    value = {
        "v": 1,
        "flush_id": "01932f6e-0000-7000-8000-000000000000",
        "user_id": "u000042",
        "session_id": "01932f6c-0000-7000-8000-000000000000",
        "sent_at": NOW,
        "transport": "fetch",
        "reason": "timer",
        "tier": "free",
        "experiments": {"flush": "2s"},
        "impressions": impressions,
        "telemetry": {"attempts": 1, "failures": 0, "queued": 0, "dropped": 0},
    }
    return orjson.dumps(value | fields)


def _read(what: str, sent: bytes, is_gzip: bool = False, authority: bool = False) -> Row:
    longest: list[float] = []
    known = _authority() if authority else None

    def once() -> None:
        body = Body(is_gzip)
        body.feed(sent)
        reader = Reader(body.finish(), now_ms=NOW, partitions=PARTITIONS, rules=RULES, authority=known)
        slowest, more = 0.0, True
        while more:
            begun = time.perf_counter()
            more = reader.step()
            slowest = max(slowest, time.perf_counter() - begun)
        of_reading(reader.reading)
        longest.append(slowest)

    return what, f"{len(sent):,}", f"{_time(once):,.1f}", f"{min(longest) * MICROSECONDS:,.0f}"


def _time(once: Callable[[], object]) -> float:
    """Return the CPU time of one call (µs): the least of several rounds."""
    once()
    begun = time.process_time()
    once()
    calls = max(int(SECONDS / 5 / max(time.process_time() - begun, 1e-6)), 1)
    least = float("inf")
    for _ in range(5):
        begun = time.process_time()
        for _ in range(calls):
            once()
        least = min(least, (time.process_time() - begun) / calls)
    return least * MICROSECONDS


_KEY = OKPKey.generate_key("Ed25519")
_CLAIMS = {"sub": "u000042", "exp": NOW_S + 3_600, "pools": ["main"]}


def _authority() -> Authority:
    key = {**_KEY.as_dict(private=False), "kid": "k1"}
    return Authority(Tokens(token_keys.read(json.dumps({"keys": [key]}).encode())), NOW_S)


def _paseto() -> str:
    secret = Key.from_asymmetric_key_params(4, d=urlsafe_b64decode(str(_KEY.as_dict(private=True)["d"]).encode()))
    payload = json.dumps({**_CLAIMS, "exp": "2039-01-01T00:00:00+00:00"}).encode()
    return Paseto.new().encode(secret, payload, b'{"kid":"k1"}').decode()


def _jws() -> str:
    return jws.serialize_compact({"alg": "Ed25519", "kid": "k1"}, json.dumps(_CLAIMS), _KEY, algorithms=["Ed25519"])
