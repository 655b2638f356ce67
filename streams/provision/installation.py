"""Who am I? What an installation is, judged from what Kafka and ClickHouse together hold.

One answer for everything that must know: `impressions provision` and `up` begin what is new, refuse what is lost, and
leave alone what is whole; `impressions rebuild` repairs what is lost, and nothing else unless it is told to.
"""

from dataclasses import dataclass

from streams.core.identity import LONGEST_ID, event_id
from streams.errors import StateLostError, UserError
from streams.kafka.names import IMPRESSIONS
from streams.provision.evidence import Accepted, Begun, Evidence, PartitionFound, Tables
from streams.settings import Settings

# What the setting accepts (s).
WINDOWS = range(1, 86_401)
REBUILD = "Run `impressions rebuild` to rebuild it from ClickHouse."


@dataclass(frozen=True, slots=True)
class New:
    """Nothing was ever begun, and there is no earlier work: these partitions get their first position."""

    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HalfBegun:
    """A provisioning was interrupted before any work: these partitions still need their first position."""

    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Whole:
    """Every partition has its state; `notes` say what else a person should know."""

    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """There was work, and its state is gone, at least in part."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Differs:
    """What exists was made with another window or partition count: going on would mix two histories."""

    sentence: str


Finding = New | HalfBegun | Whole | Lost | Differs


def judge(evidence: Evidence, settings: Settings) -> Finding:
    """Say what the installation is. Pure; where several things are wrong, it names the first to mend."""
    if sentence := _other_window(evidence, settings) or _other_count(evidence):
        return Differs(sentence)
    if sentence := _unfinished(evidence) or _lost(evidence, settings) or _lost_end(evidence):
        return Lost(sentence)
    missing = tuple(number for number, found in enumerate(evidence.partitions) if found.position is None)
    if not missing:
        return Whole(_notes(evidence, settings))
    return New(missing) if len(missing) == len(evidence.partitions) else HalfBegun(missing)


def refuse(finding: Finding) -> None:
    """Raise StateLostError for what is lost, UserError for what differs; return for what can go on."""
    if isinstance(finding, Lost):
        raise StateLostError(finding.sentence)
    if isinstance(finding, Differs):
        raise UserError(finding.sentence)


def windows_proven(sample: tuple[Accepted, ...]) -> list[int]:
    """Return the windows (s) with which all of these rows have their event_id; none if there is no such window."""
    fitting = list(WINDOWS)
    for row in sample:
        fitting = [seconds for seconds in fitting if proves(row, seconds * 1000)]
    return fitting


def proves(row: Accepted, window_ms: int) -> bool:
    """Return whether a row's event_id is that of rule 4 with this window. No worker wrote ids of another form."""
    ours = all(each.isascii() and len(each) <= LONGEST_ID for each in (row.user_id, row.artwork_id))
    return not ours or row.event_id == event_id(row.user_id, row.artwork_id, row.seen_at, window_ms)


def window_refusal(sample: tuple[Accepted, ...], settings: Settings) -> str | None:
    """Return why ClickHouse's rows don't fit the settings' window; None if they do, or there are none."""
    if all(proves(row, settings.window_ms) for row in sample):
        return None
    database = f"ClickHouse's database {settings.clickhouse_database}"
    if windows := windows_proven(sample):
        return (
            f"The impressions in {database} were judged with a dedupe window of {windows[0]} s, as their event_ids "
            f"prove, not with {settings.dedupe_window_seconds} s: set IMPRESSIONS_DEDUPE_WINDOW_SECONDS back, or "
            "IMPRESSIONS_CLICKHOUSE_DATABASE to the database of this installation."
        )
    return (
        f"The impressions in {database} have event_ids that no single dedupe window gives: rows of several "
        "installations were mixed, or others than the sink wrote them. Set IMPRESSIONS_CLICKHOUSE_DATABASE to the "
        "database of this installation."
    )


def _other_window(evidence: Evidence, settings: Settings) -> str | None:
    for found in evidence.partitions:
        if found.position is not None and found.position.window_ms != settings.window_ms:
            return (
                f"The dedupe window is {found.position.window_ms // 1000} s since the first provisioning, not "
                f"{settings.dedupe_window_seconds} s: set IMPRESSIONS_DEDUPE_WINDOW_SECONDS back; another window needs "
                "a new installation (other topics and another database), since the history was judged with the old one."
            )
    return window_refusal(evidence.tables.sample, settings) if evidence.tables is not None else None


def _other_count(evidence: Evidence) -> str | None:
    count = len(evidence.partitions)
    for found in evidence.partitions:
        if found.position is not None and found.position.partitions != count:
            has = f"{IMPRESSIONS} has" if evidence.topic_id is not None else "topics.yaml declares"
            return (
                f"{has} {count} partitions, but the state was made with {found.position.partitions}: the count is "
                "fixed, since users would change partition; `impressions rebuild` on an empty broker makes topics and "
                "state with another count, from the same ClickHouse."
            )
    return None


def _unfinished(evidence: Evidence) -> str | None:
    for number, found in enumerate(evidence.partitions):
        if found.unfinished:
            return (
                f"The state of partition {number} was lost, and rebuilding it was begun and not finished: run "
                "`impressions rebuild` again."
            )
    return None


def _lost(evidence: Evidence, settings: Settings) -> str | None:
    """Return that state is missing although there was work before."""
    broken = [number for number, found in enumerate(evidence.partitions) if not _has_state(found)]
    traces = [number for number, found in enumerate(evidence.partitions) if _has_traces(found)]
    rows = evidence.tables.history if evidence.tables is not None else 0
    if not broken or not (traces or rows):
        return None
    if not traces:
        return (
            f"ClickHouse's database {settings.clickhouse_database} holds {rows:,} rows of earlier work, but Kafka at "
            f"{settings.kafka_bootstrap} holds nothing of it: the state was lost with the broker's data, or one of the "
            f"two belongs to another installation. {REBUILD} (A new installation needs an unused database: "
            "IMPRESSIONS_CLICKHOUSE_DATABASE.)"
        )
    return (
        f"The changelogs of partition {broken[0]} don't hold its state, but there was work before: the state was lost. "
        f"{REBUILD}"
    )


def _has_state(found: PartitionFound) -> bool:
    return found.position is not None and all(each is Begun.WHOLE for each in found.changelogs)


def _has_traces(found: PartitionFound) -> bool:
    """Return whether there was work on the partition, or something is left that no provisioning leaves behind."""
    if found.position is not None and (found.position.next_offset, found.position.line) != (0, 0):
        return True
    # Both BEGINs and the first position are one transaction: one without the others was there with them.
    begun = any(each is not Begun.NEVER for each in found.changelogs)
    return found.worked or (begun and not _has_state(found))


def _lost_end(evidence: Evidence) -> str | None:
    """Return that the changelogs have lost their end: a row of the ledger is committed together with its position."""
    if evidence.tables is None:
        return None
    for number, found in enumerate(evidence.partitions):
        position = found.position
        if position is None or (last := evidence.tables.decided.get((position.topic_id, number))) is None:
            continue
        if last >= (position.next_offset, position.line):
            return (
                f"The changelogs of partition {number} end at offset {position.next_offset} of {IMPRESSIONS}, but "
                f"ClickHouse has what was decided at offset {last[0]}: Kafka has lost their end, and the state was "
                f"lost with it. {REBUILD}"
            )
    return None


def _notes(evidence: Evidence, settings: Settings) -> tuple[str, ...]:
    notes = []
    positions = [found.position for found in evidence.partitions if found.position is not None]
    if any(each.next_offset or each.line for each in positions) and _is_empty(evidence.tables):
        notes.append(
            f"ClickHouse's database {settings.clickhouse_database} holds no rows, although work was done: the worker "
            "goes on, and the sink writes again what Kafka still has (accepted and ledger rows of seven days); older "
            "rows come back only from a backup"
        )
    if evidence.topic_id is not None and any(each.topic_id != evidence.topic_id for each in positions):
        notes.append(f"{IMPRESSIONS} was re-created: the worker keeps its state, and reads the new log from 0")
    return tuple(notes)


def _is_empty(tables: Tables | None) -> bool:
    return tables is not None and tables.history == 0
