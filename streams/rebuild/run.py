"""`impressions rebuild`: rebuild the worker's state from ClickHouse.

1. judge what this installation is (streams/provision/installation.py): only lost state is rebuilt, unless told to;
2. check that no worker runs: the worker group has no members, and the fence shuts out any that join meanwhile;
3. check that ClickHouse has everything that was decided, by its rows;
4. in every partition, write BEGIN and delete the position, and then what is left of old values: from here until 6, a
   worker refuses to start;
5. read what users have seen, in the order of users, and write each user's values to their partition, in transactions
   of a bounded size. The partition is computed as the worker computes it, with the source's count as it is now;
6. write the positions: after the last decided line of this log, or 0 of a new one.

A crash in between leaves a state that workers and provisioning refuse; running the command again completes it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import attrgetter

from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException, TopicPartition
from rich.console import Console

from streams.clickhouse.ask import Asking
from streams.core.catalogue import Catalogue
from streams.core.partitioner import partition_of
from streams.errors import FencedError, UserError
from streams.kafka import names
from streams.kafka.admin import REQUEST_SECONDS, TopicInfo, admin, describe, watermarks
from streams.kafka.names import IMPRESSIONS
from streams.kafka.read import AT_ENDS, reader, to_ends
from streams.provision import topics, topics_file
from streams.provision.evidence import Evidence, Tables
from streams.provision.installation import Differs, HalfBegun, New, Whole, judge, refuse
from streams.provision.look import HISTORY, look
from streams.provision.patience import patiently, sentences
from streams.rebuild.complete import require_complete
from streams.rebuild.history import History
from streams.rebuild.partition import Rebuilt
from streams.rebuild.source import position_of
from streams.runtime.progress import Progress
from streams.settings import Settings

READ = ("impressions_raw", "user_artworks_raw")
THREADS = 8
POLL_SECONDS = 1.0


def rebuild(settings: Settings, out: Console, *, dry_run: bool = False, replace: bool = False) -> None:
    """Rebuild every partition's state. A dry run only says what would be done.

    Raises UserError, before anything is changed, if the state is whole (unless `replace`), or was made with other
    settings, if a worker still runs, or if ClickHouse doesn't have everything.
    """
    declared = topics_file.load(settings)
    topics.connect(settings)
    evidence = look(settings, declared[IMPRESSIONS].partitions)
    tables = _require_reason(settings, evidence, replace)
    rows, count = sum(tables.rows[table] for table in READ), len(evidence.partitions)
    _say(out, f"rebuilding {count} partitions from {rows:,} rows of {settings.clickhouse_database}")
    if dry_run:
        _say(out, "nothing was changed")
        return
    with sentences(settings):
        _require_idle(settings)
        topics.provision_kafka(settings, declared, False, lambda _: None)
        source = patiently(settings, lambda: describe(settings, IMPRESSIONS), new=True)
        ordinal_of = _catalogue(settings).ordinal
        partitions = [Rebuilt(settings, number, ordinal_of) for number in range(source.partitions)]
        try:
            with Asking(settings) as ask, Progress(out, "Rebuilding", rows) as progress:
                _rebuild(settings, source, partitions, History(ask), progress)
        except FencedError as error:
            raise UserError(
                f"Another process took over ({error}): stop all workers and other runs of `impressions provision` and "
                "`impressions rebuild`, then run this again."
            ) from None
        finally:
            for each in partitions:
                each.close()
    for each in partitions:
        _say(out, f"partition {each.number}: {each.values_written} values, decided up to {each.place}")


def _require_reason(settings: Settings, evidence: Evidence, replace: bool) -> Tables:
    """Return what ClickHouse has to rebuild from. Raises UserError unless there is a state to rebuild."""
    finding = judge(evidence, settings)
    if isinstance(finding, New | HalfBegun):
        raise UserError(
            "There is nothing to rebuild: there was no work yet. `impressions provision` begins this installation."
        )
    if isinstance(finding, Whole) and not replace:
        raise UserError(
            "The state is whole, as far as Kafka and ClickHouse show, so nothing was changed. Where a worker refuses "
            "it all the same, `impressions rebuild --replace` rebuilds it."
        )
    if isinstance(finding, Differs):
        refuse(finding)
    tables = evidence.tables
    if tables is None or any(table not in tables.rows for table in HISTORY):
        raise UserError(
            f"ClickHouse's database {settings.clickhouse_database} has no tables to rebuild from: `impressions "
            "provision` makes them, and a sink fills them with what Kafka still has; then run this again."
        )
    return tables


def _require_idle(settings: Settings) -> None:
    def state() -> ConsumerGroupState:
        groups = admin(settings).describe_consumer_groups([names.WORKER_GROUP], request_timeout=REQUEST_SECONDS)
        try:
            return ConsumerGroupState(groups[names.WORKER_GROUP].result().state)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                return ConsumerGroupState.DEAD
            raise

    if patiently(settings, state) not in (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD):
        raise UserError(
            f"Workers still belong to the group {names.WORKER_GROUP}: stop them, wait "
            f"{settings.session_timeout_seconds:g} s for their session to end, and run this again."
        )


def _rebuild(
    settings: Settings,
    source: TopicInfo,
    partitions: Sequence[Rebuilt],
    history: History,
    progress: Progress,
) -> None:
    _each(partitions, Rebuilt.fence)
    require_complete(settings, history, source.partitions)
    # After the fence: nothing is decided any more, so what `look` found may have grown since.
    decided, appended = history.decided(), history.newest_appends()
    for each in partitions:
        each.at = position_of(settings, source, each.number, decided, appended)
    _each(partitions, Rebuilt.begin)
    done = 0
    for user_id, facts in groupby(history.seen(), key=attrgetter("user_id")):
        partition = partitions[partition_of(user_id, source.partitions)]
        artworks: set[str] = set()
        times: list[tuple[str, int]] = []
        for fact in facts:
            done += 1
            artworks.add(fact.artwork_id)
            if fact.seen_at is not None and partition.lives(fact.seen_at):
                times.append((fact.artwork_id, fact.seen_at))
        partition.user(user_id, artworks, times)
        progress.update(done)
    _each(partitions, Rebuilt.end)


def _each(partitions: Sequence[Rebuilt], step: Callable[[Rebuilt], None]) -> None:
    with ThreadPoolExecutor(max_workers=THREADS) as threads:
        list(threads.map(step, partitions))


def _catalogue(settings: Settings) -> Catalogue:
    """Return the catalogue as the worker will read it. Artworks that it lacks are kept by id until it has them."""
    catalogue = Catalogue()
    consumer = reader(settings, **{"auto.offset.reset": "earliest"}, **AT_ENDS)
    try:
        low, _ = watermarks(settings, names.ARTWORKS, 0)
        for records in to_ends(consumer, [TopicPartition(names.ARTWORKS, 0, low)], 1_000, POLL_SECONDS):
            for record in records:
                catalogue.apply(record.key(), record.value())
    finally:
        consumer.close()
    return catalogue


def _say(out: Console, line: str) -> None:
    out.print(line, markup=False, highlight=False, soft_wrap=True)
