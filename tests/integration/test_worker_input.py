"""Bad input is rejected with its reason and its bytes, and its neighbours are processed (contract §3)."""

from random import Random

import pytest

from demo.plan.drafts import Draft
from demo.plan.faults_lines import invalid_flushes, invalid_impressions, malformed_values, odd_values, oversize_lines
from streams.kafka.names import LEDGER, REJECTED
from tests.support.audit import of_user
from tests.support.flushes import payload
from tests.support.load import Raw, at_home, flush, home, impression, now_ms, user_at
from tests.support.stack import Installation

pytestmark = pytest.mark.integration
USER = "input"
MIB = 1024 * 1024


def draft() -> Draft:
    """A valid flush of the test's user, to be made invalid."""
    now = now_ms()
    fields = {"v": 1, "flush_id": "f-broken", "user_id": USER, "session_id": "s1", "sent_at": now}
    return Draft(now, fields, [impression("a0150", now)])


def neighbour(number: int) -> bytes:
    return flush(USER, [impression(f"n{number}", now_ms())], flush_id=f"neighbour-{number}")


def bad_lines() -> dict[str, tuple[str, bytes]]:
    """Reason and bytes for each kind of line that is rejected whole."""
    rng = Random(1)
    lines = {kind: ("malformed", value) for kind, value in malformed_values(draft()).items() if value}
    del lines["empty line"]
    lines |= {kind: ("oversize", value) for kind, value in oversize_lines(draft(), rng).items()}
    lines |= {kind: ("invalid", value.encode()) for kind, value in invalid_flushes(draft()).items()}
    lines["3 MiB of no text"] = ("malformed", b"\xff" * (3 * MIB))
    lines["3 MiB of JSON"] = ("oversize", draft().encode()[:-1] + b" " * (3 * MIB) + b"}")
    return lines


def test_each_bad_line_is_rejected_with_its_bytes_between_good_ones(installation: Installation) -> None:
    installation.only_worker()
    partition, lines = home(USER), bad_lines()
    small = {kind: line for kind, line in lines.items() if len(line[1]) < 10_000}
    # Each in a record of its own among other records; and all small ones packed in one record with valid neighbours.
    records = [Raw(partition, neighbour(0))]
    records += [Raw(partition, line) for _, line in lines.values()]
    records += [Raw(partition, None), Raw(partition, b""), Raw(partition, b"\n"), Raw(partition, b"\n\n")]
    packed = [neighbour(1)]
    for number, (_, line) in enumerate(small.values(), 2):
        packed += [line, neighbour(number)]
    records += [Raw(partition, b"\n".join(packed)), Raw(partition, neighbour(1000))]
    installation.produce(records)

    installation.audit.check()
    found = {(row["reason"], payload(row)) for row in installation.audit.rows(REJECTED) if row["idx"] == -1}
    assert found >= {*lines.values(), ("malformed", b"")}
    good = [row for row in of_user(installation.audit.rows(LEDGER), USER) if "neighbour" in row["flush_id"]]
    assert len(good) == len(small) + 3
    assert all((row["received"], row["fresh"]) == (1, 1) for row in good)


def test_each_bad_impression_is_rejected_alone_with_its_bytes(installation: Installation) -> None:
    installation.only_worker()
    user_id, now = "input-impressions", now_ms()
    wrong = {kind: text.encode() for kind, text in invalid_impressions(now).items()}
    lines = [
        flush(user_id, []).replace(
            b'"impressions":[]',
            b'"impressions":[{"impression_id":"i","artwork_id":"before-%d","seen_at":%d}, %s,'
            b'{"impression_id":"i","artwork_id":"behind-%d","seen_at":%d}]' % (number, now, text, number, now),
        )
        for number, text in enumerate(wrong.values())
    ]
    timely = [impression("a0001", now + 3_600_000), impression("a0002", now), impression("a0002", now - 90_000_000)]
    lines.append(flush(user_id, timely))
    installation.produce(at_home(user_id, line) for line in lines)

    installation.audit.check()
    rows = of_user(installation.audit.rows(REJECTED), user_id)
    found = [(row["reason"], row["idx"], payload(row)) for row in rows]
    assert found[: len(wrong)] == [("invalid", 1, text) for text in wrong.values()]
    assert [each[:2] for each in found[len(wrong) :]] == [("future", 0), ("late", 2)]
    ledger = of_user(installation.audit.rows(LEDGER), user_id)
    assert [(row["received"], row["accepted"], row["rejected"]) for row in ledger] == [(3, 2, 1)] * len(wrong) + [
        (3, 1, 2)
    ]


def test_input_that_only_looks_wrong_is_accepted(installation: Installation) -> None:
    installation.only_worker()
    user_id = user_at(2, "odd")
    broken = draft()
    broken.fields["user_id"] = user_id
    values = [*odd_values(broken).values(), flush(user_id, [impression("a0151", now_ms())], colour={"deep": [1]})]
    values.append(b'{"v":2,' + values[-1][1:])  # the last of two equal keys wins
    installation.produce(at_home(user_id, value) for value in values)

    installation.audit.check()
    ledger = of_user(installation.audit.rows(LEDGER), user_id)
    assert len(ledger) == len(values)
    assert sum(row["rejected"] for row in ledger) == 0
    assert [row["accepted"] + row["duplicates"] for row in ledger] == [1] * len(values)
