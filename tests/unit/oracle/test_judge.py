"""The oracle's rules on small logs: each outcome, and each bound exactly."""

import hashlib
import json
from typing import Any

import pytest

from oracle.judge import ACCEPTED_COLUMNS, LEDGER_COLUMNS, MIB, REJECTED_COLUMNS, Judge, event_id
from oracle.murmur import home_of
from oracle.rules import Record, Rules, line_count, lines_of

WINDOW, LATENESS, TOLERANCE = 600_000, 86_400_000, 300_000
RULES = Rules(WINDOW, LATENESS, TOLERANCE)
A = 1_732_431_600_000
PARTITIONS = 4
USER = next(f"u{n}" for n in range(99) if home_of(f"u{n}", PARTITIONS) == 0)
STRAY = next(f"u{n}" for n in range(99) if home_of(f"u{n}", PARTITIONS) == 1)


class Log:
    """A partition that is judged while it grows."""

    def __init__(
        self, rules: Rules = RULES, partition: int = 0, judge: Judge | None = None, topic_id: str = "t"
    ) -> None:
        self.judge, self._partition, self._topic_id = judge or Judge(rules, PARTITIONS), partition, topic_id
        self._offset = 0

    def add(self, *lines: bytes, appended_at: int = A) -> list[dict[str, Any]]:
        """Append a record of these lines; return its rows of the ledger."""
        return self.append(b"\n".join(lines), appended_at)

    def append(self, value: bytes | None, appended_at: int = A) -> list[dict[str, Any]]:
        """Append a record; return its rows of the ledger."""
        self.judge.judge(Record(self._topic_id, self._partition, self._offset, appended_at, None, value))
        self._offset += 1
        rows = [dict(zip(LEDGER_COLUMNS, row, strict=True)) for row in self.judge.ledger]
        return rows[-line_count(value) :]

    def see(self, artwork_id: str, seen_at: int, user_id: str = USER, **more: Any) -> str:
        """Append one impression; return what became of it."""
        (row,) = self.add(flush(impression(artwork_id, seen_at, **more), user_id=user_id))
        if row["rejected"]:
            return str(self.rejected()[-1]["reason"])
        names = ("fresh", "accepted", "duplicates", "forwarded")
        return next(name for name in names if row[name])

    def accepted(self) -> list[dict[str, Any]]:
        """The accepted rows."""
        return [dict(zip(ACCEPTED_COLUMNS, row, strict=True)) for row in self.judge.accepted.values()]

    def rejected(self) -> list[dict[str, Any]]:
        """The rejected rows."""
        return [dict(zip(REJECTED_COLUMNS, row, strict=True)) for row in self.judge.rejected]


def impression(artwork_id: str, seen_at: int = A, **more: Any) -> dict[str, Any]:
    """An impression."""
    return {"impression_id": "i1", "artwork_id": artwork_id, "seen_at": seen_at, **more}


def flush(*impressions: Any, user_id: str = USER, **more: Any) -> bytes:
    """A flush as a line."""
    head = {"v": 1, "flush_id": "f1", "user_id": user_id, "sent_at": A - 5}
    return json.dumps({**head, "impressions": impressions, **more}).encode()


def digest(text: bytes) -> str:
    """As the oracle keeps a payload."""
    return hashlib.sha256(text).hexdigest()


def test_exactly_a_window_apart_is_no_duplicate_on_either_side() -> None:
    log, seen_at = Log(), A - 10 * WINDOW
    assert log.see("a", seen_at) == "fresh"
    assert log.see("a", seen_at) == "duplicates"
    assert log.see("a", seen_at + WINDOW - 1) == "duplicates"
    assert log.see("a", seen_at - WINDOW + 1) == "duplicates"
    assert log.see("a", seen_at + WINDOW) == "accepted"
    assert log.see("a", seen_at - WINDOW) == "accepted"
    assert log.see("b", seen_at) == "fresh"


def test_a_duplicate_guards_nothing() -> None:
    log = Log()
    assert log.see("a", A - 3 * WINDOW) == "fresh"
    assert log.see("a", A - 3 * WINDOW + WINDOW - 1) == "duplicates"
    assert log.see("a", A - 2 * WINDOW) == "accepted"


def test_pools_and_ids_make_no_difference_to_a_duplicate() -> None:
    log = Log()
    assert log.see("a", A, pool_id="p", impression_id="i1") == "fresh"
    assert log.see("a", A - 1, pool_id="q", impression_id="i2") == "duplicates"


def test_future_begins_behind_the_tolerance() -> None:
    log = Log()
    assert log.see("a", A + TOLERANCE) == "fresh"
    assert log.see("b", A + TOLERANCE + 1) == "future"


def test_a_tolerance_of_0_is_none() -> None:
    log = Log(Rules(WINDOW, LATENESS, 0))
    assert log.see("a", A) == "fresh"
    assert log.see("b", A + 1) == "future"


def test_late_is_late_only_of_an_artwork_that_was_seen() -> None:
    log = Log()
    assert log.see("a", A - LATENESS - 1) == "fresh"
    assert log.see("a", A - LATENESS - 1) == "late"
    assert log.see("a", A - 9 * LATENESS) == "late"
    assert log.see("a", A - LATENESS) == "duplicates"
    assert log.see("b", A - 9 * LATENESS) == "fresh"


def test_future_is_asked_before_late() -> None:
    log = Log(Rules(WINDOW, -TOLERANCE - 2, TOLERANCE))
    log.judge.seen[USER]["a"].append(0)
    assert log.see("a", A + TOLERANCE + 1) == "future"


def test_a_user_who_lives_elsewhere_is_forwarded_and_not_judged() -> None:
    log, line = Log(), flush(impression("a"), impression("a"), user_id=STRAY, tier="pro")
    (row,) = log.add(line)
    assert (row["received"], row["forwarded"], row["accepted"]) == (2, 2, 0)
    assert (row["user_id"], row["tier"]) == (STRAY, "pro")
    assert log.judge.forwards == {("t", 0, 0, 0): (1, hashlib.sha256(line).digest())}
    assert not log.accepted()


def test_an_invalid_flush_is_rejected_before_its_user_is_asked_for() -> None:
    (row,) = Log().add(flush(user_id=STRAY))
    assert (row["received"], row["rejected"], row["forwarded"]) == (1, 1, 0)


def test_the_lines_of_a_packed_record_are_judged_one_after_the_other() -> None:
    log, other = Log(), next(f"v{n}" for n in range(99) if home_of(f"v{n}", PARTITIONS) == 0)
    rows = log.add(flush(impression("a")), b"{", flush(impression("a"), user_id=other), flush(impression("a")))
    assert [(row["line"], row["accepted"], row["duplicates"], row["rejected"]) for row in rows] == [
        (0, 1, 0, 0),
        (1, 0, 0, 1),
        (2, 1, 0, 0),
        (3, 0, 1, 0),
    ]


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (None, [b""]),
        (b"", [b""]),
        (b"\n", [b""]),
        (b"\n\n", [b"", b""]),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\n\n", [b"a", b""]),
        (b"\na", [b"", b"a"]),
        (b"a\r\nb\r", [b"a\r", b"b\r"]),
    ],
)
def test_lines_end_at_line_feeds_alone(value: bytes | None, lines: list[bytes]) -> None:
    assert lines_of(value) == lines
    assert line_count(value) == len(lines)


@pytest.mark.parametrize("value", [None, b"", b"\n"])
def test_a_record_without_a_value_is_one_malformed_line(value: bytes | None) -> None:
    log = Log()
    (row,) = log.append(value)
    assert (row["received"], row["rejected"], row["bytes"], row["flush_id"], row["sent_at"]) == (1, 1, 0, "", 0)
    (rejected,) = log.rejected()
    assert (rejected["reason"], rejected["idx"], rejected["payload"]) == ("malformed", -1, digest(b""))


def test_a_bad_impression_rejects_itself_alone_and_keeps_its_bytes() -> None:
    log = Log()
    bad = b'{"artwork_id" : "a", "seen_at":1.0, "impression_id":"i\\u0031"}'
    line = flush(impression("a"), 0, impression("b")).replace(b" 0,", b" " + bad + b" ,")
    (row,) = log.add(line)
    assert (row["received"], row["accepted"], row["fresh"], row["rejected"]) == (3, 2, 2, 1)
    (rejected,) = log.rejected()
    assert (rejected["reason"], rejected["idx"], rejected["user_id"]) == ("invalid", 1, USER)
    assert (rejected["payload"], rejected["payload_bytes"]) == (digest(bad), len(bad))
    assert [each["idx"] for each in log.accepted()] == [0, 2]


def test_the_last_of_two_equal_keys_wins() -> None:
    log, line = Log(), flush(impression("a"))
    (row,) = log.add(line[:-1] + b',"impressions":[7],"flush_id":"f2"}')
    assert (row["flush_id"], row["received"], row["rejected"]) == ("f2", 1, 1)
    assert log.rejected()[0]["payload"] == digest(b"7")


def test_over_500_impressions_are_oversize_even_if_the_flush_is_invalid() -> None:
    log = Log()
    assert log.add(flush(*[impression(f"a{n}") for n in range(500)]))[0]["accepted"] == 500
    (row,) = log.add(flush(*[None] * 501, tier="gold"))
    assert (row["received"], row["rejected"], row["flush_id"], row["user_id"], row["tier"]) == (1, 1, "f1", USER, "")
    assert log.rejected()[0]["reason"] == "oversize"


def test_a_line_above_a_mebibyte_is_oversize_and_of_no_json_malformed() -> None:
    log = Log()
    line = flush(impression("a"), unknown="")
    line = line.replace(b'"unknown": "', b'"unknown": "' + b"x" * (MIB - len(line)))
    assert log.add(line)[0]["accepted"] == 1
    log.add(b" " + line)
    log.add(b" " + line[:-1])
    assert [row["reason"] for row in log.rejected()] == ["oversize", "malformed"]
    assert [row["payload_bytes"] for row in log.rejected()] == [MIB + 1, MIB]


def test_of_a_line_above_23_mebibytes_the_first_is_kept() -> None:
    log = Log()
    log.add(b"x" * 23 * MIB, b"y" * (23 * MIB + 1))
    assert [row["payload_bytes"] for row in log.rejected()] == [23 * MIB, MIB]


def test_ids_of_a_rejected_line_stand_in_the_ledger_only_if_they_are_ids() -> None:
    log = Log()
    (row,) = log.add(flush(impression("a"), flush_id="", sent_at=-1, experiments={"a": "b"}))
    assert (row["flush_id"], row["user_id"], row["experiments"], row["sent_at"]) == ("", USER, {}, 0)
    assert log.rejected()[0]["user_id"] == USER


def test_what_is_left_out_has_its_default() -> None:
    log = Log()
    (row,) = log.add(flush(impression("a", visible=1), telemetry={"failures": 2}))
    names = ("transport", "reason", "tier", "attempts", "failures", "sent_at", "appended_at")
    assert [row[name] for name in names] == ["sdk", "manual", "free", 0, 2, A - 5, A]
    (accepted,) = log.accepted()
    names = ("pool_id", "session_id", "dwell_ms", "visible", "position", "surface", "received_at")
    assert [accepted[name] for name in names] == ["", "", None, 1, None, "", A]


def test_the_event_id_is_the_hash_of_user_artwork_and_window() -> None:
    parts = b"\x00\x00\x00\x01u" + b"\x00\x00\x00\x01a" + b"\x00\x00\x00\x072887386"
    assert event_id("u", "a", 2_887_386 * WINDOW + WINDOW - 1, WINDOW) == hashlib.sha256(parts).hexdigest()[:32]


def test_the_heir_of_a_deleted_topic_is_judged_behind_it() -> None:
    log = Log()
    assert log.see("a", A) == "fresh"
    heir = Log(judge=log.judge, topic_id="t2")
    assert heir.see("a", A) == "duplicates"
    assert heir.see("a", A - WINDOW) == "accepted"
    assert [row["source_topic_id"] for row in heir.accepted()] == ["t", "t2"]


def test_a_record_without_the_brokers_time_is_not_judged() -> None:
    with pytest.raises(ValueError, match="no time of appending"):
        Judge(RULES, PARTITIONS).judge(Record("t", 0, 0, None, None, b"{}"))


def test_the_totals_are_the_sums_of_the_ledger() -> None:
    log = Log()
    log.add(flush(impression("a"), impression("a"), {}), b"", flush(impression("a"), user_id=STRAY))
    assert log.judge.totals == {
        "lines": 3,
        "received": 5,
        "accepted": 1,
        "fresh": 1,
        "duplicates": 1,
        "rejected": 2,
        "forwarded": 1,
    }
