"""Every limit of the collector: what is sent, the status that it gets, and what counts it.

The test of each holds both (tests/integration/test_collector_limits.py), and docs/reference/limits.md is made of them.
"""

import gzip
import zlib

import orjson

from streams.collector.errors import LineRefusedError
from streams.collector.http.limits import Limits
from streams.collector.rules.bodies import MOST_BYTES, MOST_MEMBERS, MOST_SENT_BYTES
from streams.collector.rules.reading import MOST_FLUSHES, MOST_REJECTED, MOST_TOKEN_LINES
from streams.collector.server import KEEP_ALIVE_SECONDS
from streams.settings import Settings
from tests.support import limit_setups as by
from tests.support.collector import flush
from tests.support.limit_case import Case, ended, named, refused
from tests.support.limit_setups import HEAD, OTHER, SHOP, post, raw

LIMITS, SETTINGS = Limits(), Settings.model_construct()
KIB, MIB = 1024, 2**20


def bomb(inflated: int) -> bytes:
    """Return so many zeros as gzip."""
    return gzip.compress(bytes(inflated))


def many(flushes: int) -> bytes:
    """Return so many flushes of as many users."""
    return b"\n".join([flush(f"u{n}") for n in range(flushes)])


def wrong(flushes: int) -> bytes:
    """Return so many flushes of 500 impressions that are none."""
    return b"\n".join([orjson.dumps(orjson.loads(flush()) | {"impressions": [0] * 500})] * flushes)


GZIP = {"Content-Encoding": "gzip"}
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
_CHUNK = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
_DEEP = b'{"v":1,"user_id":"u1","x":' + b"[" * 2_000 + b"]" * 2_000 + b"}"
_BODY = HEAD + b"Content-Length: 1000\r\n\r\n"
_WHOLE = HEAD + f"Content-Length: {len(flush())}\r\n\r\n".encode() + flush()
_HEADS = "request line, fields and trailer"
_HEAD_BYTES, _SENT, _INFLATED = f"{LIMITS.head_bytes // KIB} KiB", f"{MOST_SENT_BYTES // MIB} MiB", "body inflated"
_ALLOWED = "as `IMPRESSIONS_COLLECTOR_ORIGINS` says"
_TOKEN = "as `IMPRESSIONS_TOKEN_KEY_FILE` says"
BODY_OF_A_MB = HEAD + b"Content-Length: 1000000\r\n\r\n"


CASES: dict[str, Case] = {
    **refused(
        _HEADS,
        _HEAD_BYTES,
        431,
        "header_bytes",
        head_above_32_KiB=raw(HEAD + b"X: " + b"x" * 40_000 + b"\r\n\r\n"),
        head_that_never_ends=raw(HEAD + b"X: ", *[b"x" * 1_000] * 40),
        many_small_fields=raw(HEAD + b"X: y\r\n" * 8_000 + b"\r\n"),
        target_above_32_KiB=raw(b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n"),
        trailer_above_32_KiB=raw(CHUNKED + b"0\r\n" + b"X: y\r\n" * 8_000 + b"\r\n"),
        trailer_that_never_ends=raw(CHUNKED + b"0\r\nX: ", *[b"x" * 10_000] * 100),
        chunk_extension_that_never_ends=raw(CHUNKED + b"5;x=", *[b"x" * 10_000] * 100),
    ),
    **refused("time for a head", f"{LIMITS.head_seconds:g} s", 408, "header_time", head_that_takes_too_long=raw(HEAD)),
    **refused(
        "what is HTTP/1.1 and has one meaning",
        "",
        400,
        "http",
        not_HTTP=raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        a_length_and_chunks=raw(HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        a_length_that_is_no_number=raw(HEAD + b"Content-Length: 0x10\r\n\r\n"),
    ),
    **refused(
        "a proxy's PROXY header, if that is how it names clients",
        "4 KiB",
        400,
        "http",
        "proxied",
        a_connection_without_a_PROXY_header=raw(_WHOLE),
    ),
    **refused(
        "body as sent",
        _SENT,
        413,
        "body_bytes",
        body_above_1_MiB_as_sent=post(b"x" * (MOST_SENT_BYTES + 1)),
        body_declared_above_1_MiB=raw(HEAD + b"Content-Length: 9999999999\r\n\r\n"),
        body_above_1_MiB_in_chunks=raw(CHUNKED + _CHUNK, *[_CHUNK] * 16),
    ),
    **refused(
        _INFLATED,
        f"{MOST_BYTES // MIB} MiB",
        413,
        "inflated_bytes",
        body_above_4_MiB_inflated=post(bomb(MOST_BYTES + 1), GZIP),
        bomb_of_64_MiB=post(lambda: bomb(64 * MIB), GZIP),
        bomb_of_two_members=post(bomb(MOST_BYTES - 10) + bomb(11), GZIP),
    ),
    **refused(
        "gzip members", str(MOST_MEMBERS), 413, "inflated_bytes", sixty_five_gzip_members=post(bomb(1) * 65, GZIP)
    ),
    **refused(
        "gzip that is whole",
        "",
        400,
        "encoding",
        truncated_gzip=post(lambda: gzip.compress(flush())[:-1], GZIP),
        truncated_second_member=post(lambda: gzip.compress(flush()) + gzip.compress(flush())[:20], GZIP),
        not_gzip=post(flush, GZIP),
        gzip_and_then_rubbish=post(lambda: gzip.compress(flush()) + b"rubbish", GZIP),
    ),
    **refused(
        "encodings",
        "none, gzip",
        415,
        "encoding",
        another_encoding=post(lambda: zlib.compress(flush()), {"Content-Encoding": "br"}),
        gzip_twice=post(flush, {"Content-Encoding": "gzip, gzip"}),
    ),
    **refused(
        "types and charset",
        "text/plain, application/json; utf-8",
        415,
        "media_type",
        another_type=post(flush, {"Content-Type": "multipart/form-data"}),
        another_charset=post(flush, {"Content-Type": "text/plain; charset=utf-16"}),
    ),
    **refused("flushes in a body", str(MOST_FLUSHES), 413, "flushes", more_than_500_flushes=post(lambda: many(501))),
    **refused(
        "token lines in a body",
        str(MOST_TOKEN_LINES),
        413,
        "flushes",
        more_than_100_token_lines=post(lambda: b'{"token":"x"}\n' * (MOST_TOKEN_LINES + 1) + flush()),
    ),
    **refused(
        "pieces of a body that would be rejected",
        f"{MOST_REJECTED:,}",
        413,
        "flushes",
        more_than_5000_wrong_impressions=post(wrong(11)),
    ),
    **refused(
        "what can be read: JSON nested to 1,024, with a valid user_id",
        "",
        400,
        "unreadable",
        nested_too_deeply=post(_DEEP),
        no_body=post(b""),
        nothing_that_can_be_read=post(b"rubbish\n{}"),
    ),
    **refused("time for a body", f"{LIMITS.body_seconds:g} s", 408, "body_time", "slow", body_that_drips=by.drip),
    **refused(
        "time between two pieces of a body",
        f"{LIMITS.piece_seconds:g} s",
        408,
        "piece_time",
        body_that_stops=raw(_BODY + b"{"),
        body_that_does_not_begin=raw(_BODY),
    ),
    **refused(
        "origins of pages",
        _ALLOWED,
        403,
        "origin",
        another_origin=post(flush, {"Origin": "https://evil.example"}),
        no_origin_that_has_a_name=post(flush, {"Origin": "null"}),
        preflight_of_another_origin=by.ask("OPTIONS", Origin="https://evil.example"),
    ),
    **named(
        no_token=Case("tokens", _TOKEN, post(flush), 403, "token_failures", {"reason": "missing"}, "tokens"),
        expired_token=Case(
            "tokens", _TOKEN, by.with_token(seconds=-600), 403, "token_failures", {"reason": "expired"}, "tokens"
        ),
        token_for_another_origin=Case(
            "tokens",
            _TOKEN,
            by.with_token(origin=SHOP, page=OTHER),
            403,
            "token_failures",
            {"reason": "origin"},
            "tokens",
        ),
        another_users_token=Case(
            "tokens", _TOKEN, by.with_token("u2"), 403, "token_failures", {"reason": "user"}, "tokens"
        ),
    ),
    **refused("tokens", _TOKEN, 403, "forbidden", "tokens", no_token_that_is_valid=by.with_token("u2")),
    **named(
        another_method=Case(
            "methods", "POST, OPTIONS", by.ask("PUT"), 405, "requests", {"route": "impressions", "status": "405"}
        ),
        another_path=Case(
            "paths", "`/docs`", by.ask("GET", "/x"), 404, "requests", {"route": "other", "status": "404"}
        ),
        too_many_requests_of_an_address=Case(
            "requests of an address, or of a /64 of IPv6",
            f"{SETTINGS.collector_address_rate:g} a second, {SETTINGS.collector_address_burst:,.0f} at once",
            by.twice(flush),
            429,
            "limited_requests",
            {"kind": "address"},
            "one request",
        ),
        too_many_impressions_of_a_user=Case(
            "impressions of a user",
            f"{SETTINGS.collector_user_rate:g} a second, {SETTINGS.collector_user_burst:,.0f} at once",
            by.twice(lambda: flush(impressions=10)),
            429,
            "limited_requests",
            {"kind": "user"},
            "ten impressions",
        ),
    ),
    **refused(
        "bytes that wait, of one address",
        f"{SETTINGS.collector_address_share:.0%} of the budget, 4 MiB at least",
        503,
        "limit",
        "part",
        body_beyond_an_address_s_part=raw(BODY_OF_A_MB),
    ),
    **refused(
        "bytes that wait",
        f"70 % of the budget of {SETTINGS.collector_budget_mib} MiB",
        503,
        "budget",
        "budget",
        body_while_the_budget_is_full=raw(BODY_OF_A_MB),
    ),
    **refused(
        "acknowledgement by the brokers",
        "10 s",
        503,
        "unacknowledged",
        "holding",
        flush_that_the_brokers_do_not_acknowledge=by.settled(by.no_ack()),
    ),
    **refused("a topic", "", 503, "unacknowledged", "no topic", flush_while_no_topic_is_known=post(flush)),
    **refused(
        "a line, by the topic's own limit",
        "1 MiB",
        413,
        "body_bytes",
        "holding",
        line_that_is_too_large_for_the_brokers=by.settled(LineRefusedError("too large")),
    ),
    **refused("connections", f"{LIMITS.connections:,}", 503, "limit", "crowded", one_connection_more=raw(_WHOLE)),
    **refused(
        "requests before the first one's answer",
        str(LIMITS.pipelined),
        202,
        "http",
        two_hundred_requests_at_once=raw(_WHOLE * 200),
    ),
    **named(
        connection_without_a_request=ended(
            "time for a first byte", f"{LIMITS.head_seconds:g} s", raw(), 0, "header_time", "quick"
        ),
        idle_connection=ended(
            "time between requests", f"{KEEP_ALIVE_SECONDS} s", by.kept_open(_WHOLE), 202, "idle", "impatient"
        ),
        answers_that_nobody_reads=ended(
            "time to read an answer", f"{LIMITS.unread_seconds:g} s", by.unread, 0, "limit", "impatient"
        ),
        body_that_goes_on_after_its_answer=ended(
            "body after its answer",
            f"{LIMITS.linger_bytes // MIB} MiB, {LIMITS.linger_seconds:g} s",
            by.goes_on(HEAD + b"Content-Length: 9999999999\r\n\r\n"),
            413,
            "limit",
            "impatient",
        ),
        connection_reset_within_a_head=ended("RST: forgotten at once", "", by.reset(HEAD), 0, "reset", "slow"),
        connection_reset_within_a_body=ended("RST: forgotten at once", "", by.reset(_BODY + b"{"), 0, "reset", "slow"),
    ),
}
