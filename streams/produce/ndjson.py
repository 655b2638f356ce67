"""NDJSON: a JSON object a line, which is an impression, a whole flush, or another event of the same log."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from streams.core.decode import DecodedFlush, InvalidImpression, decode
from streams.errors import UserError
from streams.produce.binding import Binding
from streams.produce.columns import Columns
from streams.produce.fields import MOST_DIGITS
from streams.produce.rows import BadRow, Envelope, Item
from streams.produce.source import Lines, too_long
from streams.produce.tally import Tally


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _constant(name: str) -> float:
    return float(name.replace("Infinity", "inf"))


# Exact numbers: an id of 20 digits stays itself. NaN is not JSON, but what Python writes for no value.
DECODER = json.JSONDecoder(parse_float=Decimal, parse_int=_whole, parse_constant=_constant)


def read_ndjson(path: Path, columns: Columns, encoding: str, tally: Tally) -> Iterator[Item]:
    """Yield the items of an NDJSON file. Raises UserError if no record has a column that is wanted."""
    with Lines(path, encoding, "\n", tally) as lines:
        binding = Binding(columns, path.name, None, tally)
        for line in lines:
            if tally.full:
                break
            text = line.text.strip()
            if not text:
                lines.skip(line)
                continue
            if line.number == 1 and text.startswith("["):
                raise UserError(f"{path} is one JSON array: a JSON object a line is expected, as jq -c '.[]' writes.")
            record = _parse(path.name, line.number, text) if line.whole else too_long(path.name, line)
            if isinstance(record, BadRow):
                tally.rows += 1
                yield record
            elif isinstance(record.get("impressions"), list) and not binding.names_artwork(record):
                yield from _flush(binding, path.name, line.number, text, tally)
            else:
                yield from binding.items(line.number, record)
        if not tally.full:
            lines.finish()
        yield from binding.close()


def _parse(source: str, number: int, text: str) -> dict[str, Any] | BadRow:
    if not text.isascii() and any("\udc80" <= letter <= "\udcff" for letter in text):
        return BadRow(source, number, "not UTF-8 (--encoding names another encoding)")
    try:
        record = DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        return BadRow(source, number, f"not JSON: {error}")
    if not isinstance(record, dict):
        return BadRow(source, number, "a JSON object is expected")
    return record


def _flush(binding: Binding, source: str, number: int, text: str, tally: Tally) -> Iterator[Item]:
    decoded = decode(text.encode(errors="surrogatepass"))
    if not isinstance(decoded, DecodedFlush):
        tally.rows += 1
        yield BadRow(source, number, f"{decoded.reason}: {decoded.detail}")
        return
    header = decoded.flush.model_dump(exclude_unset=True, exclude={"impressions"})
    good = sum(not isinstance(impression, InvalidImpression) for impression in decoded.impressions)
    envelope = Envelope(header, good)
    for index, impression in enumerate(decoded.impressions):
        if tally.full:
            return
        tally.rows += 1
        if isinstance(impression, InvalidImpression):
            yield BadRow(source, number, f"impression {index}: {impression.detail}")
            continue
        found = {**impression.model_dump(exclude_unset=True), "user_id": decoded.flush.user_id}
        row = binding.make(number, found)
        row.envelope = envelope
        yield row
