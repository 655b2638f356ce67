"""The catalogue: one record an artwork on `artworks.v1`; the record's key is the artwork_id."""

from typing import Annotated

from pydantic import Field

from impression_streams.types import Id, MaybeId, Strict, TimeMs

# A bitmap of ordinals holds 32 bits.
Ordinal = Annotated[int, Field(ge=0, le=2**32 - 1)]


class ArtworkRecord(Strict):
    """An artwork of a pool. Its ordinal is its own for ever."""

    artwork_id: MaybeId = Field("", description="the record's key again, if given")
    pool_id: Id
    ordinal: Ordinal
    created_at: TimeMs = 0
    retired: bool = False
    dna: list[float] = Field(default_factory=list, description="the artwork's feature vector")
