"""What is wrong, a sentence each, from what the processes say; the gravest first."""

import time
from collections.abc import Iterator, Mapping, Sequence

from streams.top.samples import Samples, plain
from streams.top.target import Answer

# A broker that restarts among others is away for a moment; an open transaction is nobody's fault for as long.
BROKER_SECONDS = 5.0
OPEN_SECONDS = 35.0
# The sink asks ClickHouse for the KPIs every half minute.
KPI_SECONDS = 120.0
# What counts what a process does; it does something every other second while there is work.
# Of the source, markers of transactions count as lag, and nobody decides those.
WORK = {"worker": "impressions_worker_lag_seconds", "sink": "impressions_sink_lag"}
DONE = {"worker": "impressions_worker_lines_total", "sink": "impressions_sink_rows_total"}
IDLE_SECONDS = 8.0


def problems(answers: Sequence[Answer], earlier: Mapping[str, Answer]) -> list[str]:
    """Return the sentences."""
    found = [_unreachable(each) for each in answers if each.samples is None]
    for answer in answers:
        if answer.samples is not None:
            said = [*_process(answer, answer.samples)]
            before = earlier.get(answer.target.name)
            if before is not None and before.samples is not None:
                said += [*_idle(answer, before), *_new(answer.samples.since(before.samples))]
            found += [f"{answer.target.name}: {sentence}." for sentence in said]
    every = [each.samples for each in answers if each.samples is not None]
    found += dict.fromkeys(sentence for samples in every for sentence in _installation(samples))
    return [plain(sentence) for sentence in found]


def _unreachable(answer: Answer) -> str:
    name, address = answer.target.name, answer.target.address
    where = "" if name == address else f" at {address}"
    return f"{name} can't be reached{where}: {answer.unreachable}."


def _process(answer: Answer, samples: Samples) -> Iterator[str]:
    """What is wrong with one process now."""
    if stalled := samples.most(f"impressions_{answer.kind}_stalled"):
        yield f"stalled in {stalled:,.0f} partitions: there is work, and no progress"
    if (away := samples.most("impressions_broker_away_seconds")) > BROKER_SECONDS:
        yield f"no Kafka broker has answered for {away:,.0f} s"
    if samples.most("impressions_sink_waiting"):
        yield "waits for ClickHouse, which doesn't take its rows"
    if refused := samples.total("impressions_sink_partition_refused"):
        yield f"doesn't read {refused:,.0f} partitions until a person has looked: its log says why"
    if answer.not_ready:
        yield f"not ready: {answer.not_ready.rstrip('.')}"
    if (unreadable := samples.most("impressions_source_unreadable_seconds")) > OPEN_SECONDS:
        yield f"a producer's open transaction has hidden the end of a partition for {unreadable:,.0f} s"
    if lost := samples.total("impressions_worker_lost_records_total") + samples.total(
        "impressions_sink_lost_offsets_total"
    ):
        yield f"{lost:,.0f} records were deleted by retention before they were read, since its start"
    if poisoned := samples.total("impressions_worker_poisoned_lines_total"):
        yield f"{poisoned:,.0f} lines were given up on, since its start: a defect of ours"
    if uncatalogued := samples.most("impressions_uncatalogued_artworks"):
        yield f"{uncatalogued:,.0f} artworks are shown that nobody has catalogued"


def _idle(answer: Answer, before: Answer) -> Iterator[str]:
    """Whether there was work all the time and nothing was done: the process itself says so only after a minute."""
    seconds, work, done = answer.at - before.at, WORK[answer.kind], DONE[answer.kind]
    if answer.samples is None or before.samples is None or seconds < IDLE_SECONDS:
        return
    if answer.samples.most(work) and before.samples.most(work) and not answer.samples.since(before.samples).total(done):
        for_whom = "ClickHouse took no rows" if answer.kind == "sink" else "no line was decided"
        yield f"{for_whom} for {seconds:,.0f} s, although there were some"


def _new(since: Samples) -> Iterator[str]:
    """What went wrong in a process in the last seconds."""
    for code, count in since.by("impressions_sink_errors_total", "code").items():
        if count:
            yield f"{count:,.0f} requests to ClickHouse failed just now ({code})"
    refused = since.total("impressions_catalogue_refused_total") + since.total(
        "impressions_sink_refused_artworks_total"
    )
    if refused:
        yield f"{refused:,.0f} records of the catalogue were refused just now"


def _installation(samples: Samples) -> Iterator[str]:
    """What is wrong with the installation as a whole; every sink says the same."""
    for state, count in samples.by("impressions_kafka_partitions", "state").items():
        if count:
            yield f"Kafka: {count:,.0f} partitions are {state.replace('_', ' ')}."
    if duplicates := samples.most("impressions_kpi_duplicates_seen"):
        yield f"ClickHouse: readers see {duplicates:,.0f} duplicates of the last 24 hours: a defect of ours."
    if unbalanced := samples.most("impressions_kpi_unbalanced_lines"):
        yield f"ClickHouse: {unbalanced:,.0f} lines of the ledger don't balance."
    computed = samples.most("impressions_kpi_computed_timestamp_seconds")
    if computed and (old := time.time() - computed) > KPI_SECONDS:
        yield f"ClickHouse: the figures of pools are {old / 60:,.0f} minutes old."
