"""What was read of the files and what became of it: two counts that are made apart, and must add up."""

from collections import Counter
from dataclasses import dataclass, field

from streams.produce.rows import BadRow, Item, OtherEvent

# Enough names to recognise a log by; the rest of the kinds share one.
MOST_KINDS = 100
SHOWN_KINDS = 3
OTHER_KINDS = "others"


@dataclass(slots=True)
class Tally:
    """`rows` and the bytes are counted where files are taken apart, the outcomes where items come out.

    A row is an impression, or what could have been one: a line, a row of Parquet, an element of a list, an impression
    of a flush. Bytes are those of the text, after decompression; of Parquet, which has no text, none are counted.
    """

    rows: int = 0
    impressions: int = 0
    bad: int = 0
    others: Counter[str] = field(default_factory=Counter)
    skipped_bytes: int = 0  # before the header, between the rows, and marks of the encoding
    problems: list[str] = field(default_factory=list)
    limit: int | None = None  # of impressions, after which nothing more is read

    @property
    def full(self) -> bool:
        """Say whether as many impressions were read as were asked for."""
        return self.limit is not None and self.impressions >= self.limit

    def add(self, item: Item) -> None:
        """Count an outcome."""
        if isinstance(item, BadRow):
            self.bad += 1
        elif isinstance(item, OtherEvent):
            known = item.kind in self.others or len(self.others) < MOST_KINDS
            self.others[item.kind if known else OTHER_KINDS] += 1
        else:
            self.impressions += 1

    def require(self, source: str, what: str, there: int, accounted: int) -> None:
        """Note a problem unless a file's `there` is what was accounted for."""
        if there != accounted:
            self.problems.append(f"{source} has {there:,} {what}, and {accounted:,} were accounted for.")

    @property
    def outcomes(self) -> int:
        """Return the number of items that came out."""
        return self.impressions + self.bad + self.others.total()

    def text(self) -> str:
        """Return what was not an impression, for a person."""
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in self.others.most_common(SHOWN_KINDS))
        more = ", ..." if len(self.others) > SHOWN_KINDS else ""
        named = f" ({kinds}{more})" if kinds else ""
        return f"{self.bad:,} bad, {self.others.total():,} other events{named}, {self.skipped_bytes:,} bytes skipped"
