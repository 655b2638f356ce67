"""Parts of the embedded ClickHouse that need no engine: users, pages, errors, compression, the data folder."""

import base64
import bz2
import gzip
import lzma
import os
import zlib
from pathlib import Path

import brotli
import lz4.frame
import pytest
import zstandard

from streams.embedded.clickhouse.decode import PIECE_BYTES, decoder
from streams.embedded.clickhouse.encode import _Snappy, negotiate
from streams.embedded.clickhouse.errors import AUTHENTICATION_FAILED, CANNOT_DECOMPRESS, ClickHouseError
from streams.embedded.clickhouse.store import Store
from streams.embedded.clickhouse.users import User, authenticate, foreign_page
from streams.errors import UserError

COMPRESS = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstandard.compress,
    "br": lambda data: brotli.compress(data, quality=1),
    "xz": lambda data: lzma.compress(data, preset=0),
    "bz2": bz2.compress,
    "snappy": lambda data: _Snappy().feed(data),
}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "query", "user"),
    [
        ({}, {}, User.READER),
        ({}, {"user": "reader"}, User.READER),
        (basic("default:"), {}, User.READER),
        (basic("writer:pä:ss"), {}, User.WRITER),
        ({"X-ClickHouse-User": "writer", "X-ClickHouse-Key": "pä:ss"}, {"user": "reader"}, User.WRITER),
        ({}, {"user": "writer", "password": "pä:ss"}, User.WRITER),
    ],
)
def test_credentials_select_the_user(headers: dict[str, str], query: dict[str, str], user: User) -> None:
    assert authenticate(headers, query, "pä:ss") is user


@pytest.mark.parametrize("password", ["", "x"])
def test_a_server_without_a_password_has_no_writer(password: str) -> None:
    with pytest.raises(ClickHouseError) as caught:
        authenticate({"X-ClickHouse-User": "writer", "X-ClickHouse-Key": password}, {}, "")
    assert caught.value.code == AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    ("host", "bound", "own"),
    [
        ("127.0.0.1:8123", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("[::1]:8123", "127.0.0.1", True),
        ("127.8.8.8:8123", "127.0.0.1", True),
        ("10.0.0.7:8123", "127.0.0.1", False),
        ("10.0.0.7:8123", "10.0.0.7", True),
        ("10.0.0.7:8123", "0.0.0.0", True),
        ("evil.example", "0.0.0.0", False),
        ("db.internal:8123", "db.internal", True),
        ("", "127.0.0.1", False),
    ],
)
def test_only_requests_to_own_hosts_are_answered(host: str, bound: str, own: bool) -> None:
    assert (foreign_page({"Host": host}, bound) is None) is own


@pytest.mark.parametrize(
    ("text", "code", "status", "body"),
    [
        ("Code: 60. DB::Exception: no t. (UNKNOWN_TABLE)", 60, 404, "Code: 60. DB::Exception: no t. (UNKNOWN_TABLE)"),
        ("Streaming failed: Code: 27. DB::Exception: x", 27, 400, "Code: 27. DB::Exception: x"),
        ("odd", 1002, 500, "Code: 1002. DB::Exception: odd (UNKNOWN_EXCEPTION)"),
    ],
)
def test_an_engine_error_keeps_its_code(text: str, code: int, status: int, body: str) -> None:
    error = ClickHouseError.of_engine(RuntimeError(text))
    assert (error.code, error.status, error.text) == (code, status, body)


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 22])
def test_a_body_is_decompressed_exactly_and_in_bounded_pieces(encoding: str, step: int) -> None:
    size = 3000 if step == 1 else 5_000_000
    data = os.urandom(size // 2) + b"x" * (size // 2)
    stream, sent = decoder(encoding), COMPRESS[encoding](data)
    pieces: list[bytes] = []
    for at in range(0, len(sent), step):
        pieces += stream.feed(sent[at : at + step])
    stream.end()
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= max(9 * PIECE_BYTES, step)


@pytest.mark.parametrize("encoding", [name for name in COMPRESS if name])
def test_a_decompression_bomb_expands_in_small_pieces(encoding: str) -> None:
    pieces = decoder(encoding).feed(COMPRESS[encoding](b"x" * 40_000_000))
    assert max(len(piece) for piece, _ in zip(pieces, range(20), strict=False)) <= 9 * PIECE_BYTES


@pytest.mark.parametrize("encoding", [name for name in COMPRESS if name])
def test_consecutive_streams_are_one_body_and_a_cut_stream_is_refused(encoding: str) -> None:
    one = COMPRESS[encoding](b"one")
    stream = decoder(encoding)
    if encoding == "br":  # has no members: what follows the end is refused
        assert b"".join(stream.feed(one)) == b"one"
        with pytest.raises(ClickHouseError):
            list(stream.feed(one))
    else:
        assert b"".join([*stream.feed(one), *stream.feed(one + one)]) == b"oneoneone"
    stream.end()
    half = decoder(encoding)
    list(half.feed(one[:-3]))
    with pytest.raises(ClickHouseError) as caught:
        half.end()
    assert caught.value.code == CANNOT_DECOMPRESS


@pytest.mark.parametrize(
    ("accepted", "enabled", "name"),
    [
        ("lz4,zstd,gzip", "1", "lz4"),
        ("gzip, zstd;q=0.5", "1", "zstd"),
        ("gzip;q=1.0, lz4;q=0", "1", "gzip"),
        ("br", "1", "br"),
        ("compress", "1", ""),
        ("snappy", "1", "snappy"),
        ("bz2", "1", "bz2"),
        ("xz", "1", "xz"),
        ("gzip", "0", ""),
    ],
)
def test_an_answer_is_compressed_only_on_request(accepted: str, enabled: str, name: str) -> None:
    encoder = negotiate({"Accept-Encoding": accepted}, {"enable_http_compression": enabled})
    assert encoder.name == name
    sent = encoder.feed(b"a" * 1000) + encoder.feed(b"") + encoder.feed(b"b") + encoder.end()
    assert b"".join(decoder(name).feed(sent)) == b"a" * 1000 + b"b"


def test_a_data_folder_belongs_to_one_process_and_one_engine_version(tmp_path: Path) -> None:
    store = Store(tmp_path / "data", "26.9.2.1")
    with pytest.raises(UserError, match=f"in use by process {os.getpid()}"):
        Store(tmp_path / "data", "26.9.2.1")
    store.close()
    Store(tmp_path / "data", "26.9.3.1").close()
    with pytest.raises(UserError, match=r"made by engine 26\.9\.3\.1 and this is 26\.10"):
        Store(tmp_path / "data", "26.10.1.1")
    Store(tmp_path / "data", "26.9.3.1").close()
    with pytest.raises(UserError, match="choose another"):
        Store(tmp_path / "a?b", "26.9.2.1")
