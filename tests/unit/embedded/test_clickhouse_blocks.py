"""ClickHouse's compressed blocks: read exactly, in bounded memory, and refused if anything about them is wrong."""

import os

import lz4.block
import pytest
import zstandard
from clickhouse_cityhash.cityhash import CityHash128

from streams.embedded.clickhouse.blocks import BlockDecoder, BlockEncoder
from streams.embedded.clickhouse.errors import ClickHouseError

ROOM = 256 << 20
LZ4, ZSTD, NONE = 0x82, 0x90, 0x02
COMPRESS = {
    LZ4: lambda data: lz4.block.compress(data, store_size=False),
    ZSTD: zstandard.compress,
    NONE: bytes,
}


def block(data: bytes, method: int = LZ4, size: int | None = None, packed: bytes | None = None) -> bytes:
    """Return a block as a client sends it; `size` and `packed` make it lie."""
    packed = COMPRESS[method](data) if packed is None else packed
    whole = len(data) if size is None else size
    body = bytes([method]) + (len(packed) + 9).to_bytes(4, "little") + whole.to_bytes(4, "little") + packed
    first, second = divmod(int(CityHash128(body)), 1 << 64)
    return first.to_bytes(8, "little") + second.to_bytes(8, "little") + body


def read(sent: bytes, step: int, room: int = ROOM) -> bytes:
    decoder = BlockDecoder(room)
    pieces: list[bytes] = []
    for at in range(0, len(sent), step):
        pieces += decoder.feed(sent[at : at + step])
    decoder.end()
    return b"".join(pieces)


def test_a_block_is_what_clickhouse_sends_for_one_row_of_select_1() -> None:
    # As a server of ClickHouse answers `SELECT 1` with compress=1.
    known = bytes.fromhex("de79cf087fb635049db816df195b016b820c0000000200000020310a")
    assert BlockEncoder().feed(b"1\n") == known


@pytest.mark.parametrize("method", COMPRESS)
@pytest.mark.parametrize("step", [1, 25, 4096, 1 << 22])
def test_blocks_are_read_exactly_however_they_arrive(method: int, step: int) -> None:
    data = [b"", b"x", os.urandom(3000), b"y" * (300 if step == 1 else 2_000_000)]
    assert read(b"".join(block(one, method) for one in data), step) == b"".join(data)


def test_what_is_encoded_can_be_decoded_block_by_block() -> None:
    data = os.urandom(1_500_000) + b"z" * 1_500_000
    sent = BlockEncoder().feed(data)
    assert read(sent, 1000) == data
    assert max(map(len, BlockDecoder(ROOM).feed(sent))) <= 1 << 20


def damaged() -> bytes:
    good = bytearray(block(b"abc" * 100))
    good[-1] ^= 1
    return bytes(good)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (damaged(), 40),
        (block(b"abc")[:-1], 271),
        (block(b"abc")[:20], 271),
        (block(b"abc", size=2), 271),
        (block(b"abc", size=4), 271),
        (block(b"abc", ZSTD, size=2), 271),
        (block(b"abc", packed=b"no lz4 at all"), 271),
        (block(b"abc", ZSTD, packed=b"no zstd at all"), 271),
        (b"x" * 16 + bytes([0x91]) + (9).to_bytes(4, "little") + bytes(4), 432),
        (b"x" * 16 + bytes([LZ4]) + (8).to_bytes(4, "little") + bytes(4), 150),
        (b"x" * 16 + bytes([LZ4]) + b"\xff\xff\xff\xff" * 2, 150),
        (b"SELECT 1" * 10, 432),
    ],
)
def test_what_is_no_block_is_refused_by_its_code(sent: bytes, code: int) -> None:
    with pytest.raises(ClickHouseError) as caught:
        read(sent, 1 << 20)
    assert caught.value.code == code


@pytest.mark.parametrize("method", [LZ4, ZSTD])
def test_a_block_that_is_larger_than_the_rest_of_the_limit_is_not_decompressed(method: int) -> None:
    with pytest.raises(ClickHouseError) as caught:
        read(block(b"x" * 10_000_000, method), 1 << 20, room=1_000_000)
    assert caught.value.code == 150


def test_the_number_of_blocks_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.embedded.clickhouse.blocks._MOST_BLOCKS", 10)
    assert read(block(b"") * 10, 100) == b""
    with pytest.raises(ClickHouseError, match="more than 10 compressed blocks"):
        read(block(b"") * 11, 100)
