"""The catalogue: one record per artwork on `artworks.v1`; the record's key is the artwork_id."""

from typing import Annotated

from pydantic import Field

from impression_streams.types import Id, MaybeId, Strict, TimeMs

# What the topic takes of a record, uncompressed too: a broker measures compressed batches.
MAX_RECORD_BYTES = 1024 * 1024
# Bitmaps hold 32-bit ordinals.
Ordinal = Annotated[int, Field(ge=0, le=2**32 - 1)]


class ArtworkRecord(Strict):
    """An artwork of a pool. It keeps its ordinal for ever, and no other artwork gets it."""

    artwork_id: MaybeId = Field("", description="if given, the same as the record's key")
    pool_id: Id
    ordinal: Ordinal
    created_at: TimeMs = 0
    retired: bool = False
    dna: list[float] = Field(default_factory=list, description="the artwork's feature vector")
