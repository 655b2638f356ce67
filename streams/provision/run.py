"""`impressions provision`: Kafka's topics, ClickHouse's schema, and the positions that the worker starts from."""

from collections.abc import Callable

from streams.clickhouse import migrate
from streams.clickhouse.client import connect
from streams.kafka.admin import describe
from streams.kafka.names import IMPRESSIONS
from streams.paths import migrations_folder
from streams.provision import topics, topics_file
from streams.provision.first_position import begin_missing
from streams.provision.installation import Differs, Finding, HalfBegun, New, Whole, judge, refuse
from streams.provision.look import look
from streams.provision.patience import patiently, sentences
from streams.settings import Settings

Out = Callable[[str], None]


def provision(settings: Settings, dry_run: bool, out: Out) -> bool:
    """Make Kafka and ClickHouse match what the project declares; return whether anything differed.

    Prints a line for each topic, migration and position: `+` made, `~` changed, `!` refused, `?` a note, `=` as
    declared. Never deletes. A dry run prints the same, and changes nothing.

    Raises StateLostError if there was work before but its state is gone: topics and schema are made all the same, since
    the sink and `impressions rebuild` need them. Raises UserError, before anything is changed, if what exists was made
    with other settings, or can't be made to match.
    """
    declared = topics_file.load(settings)
    topics.connect(settings)
    finding = judge(look(settings, declared[IMPRESSIONS].partitions), settings)
    if isinstance(finding, Differs):
        refuse(finding)
    with sentences(settings):
        changed = topics.provision_kafka(settings, declared, dry_run, out)
        done = _migrate(settings, dry_run, out)
        begun = _begin(settings, finding, dry_run, out)
    return changed or done or begun


def _migrate(settings: Settings, dry_run: bool, out: Out) -> bool:
    """Apply the migrations that are missing; return whether there were any."""
    client = connect(settings)
    where = (client, migrations_folder(), settings.clickhouse_database, settings.window_ms)
    try:
        if dry_run:
            missing = migrate.pending(*where)
            for name in missing:
                out(f"+ clickhouse: {name}")
            return bool(missing)
        done = migrate.apply(*where)
    finally:
        client.close()
    for each in done:
        out(f"{'+' if isinstance(each, migrate.Applied) else '='} clickhouse: {each.name}")
    return any(isinstance(each, migrate.Applied) for each in done)


def _begin(settings: Settings, finding: Finding, dry_run: bool, out: Out) -> bool:
    """Begin what is new; return whether anything was. Raises StateLostError if the state is lost."""
    refuse(finding)
    if isinstance(finding, Whole):
        for note in finding.notes:
            out(f"? {note}")
        return False
    if dry_run:
        begun = list(finding.partitions) if isinstance(finding, New | HalfBegun) else []
    else:
        # The state of every source partition begins with a position record: without one, a missing changelog would
        # look like a first start. It also fixes the window and the partition count.
        begun = begin_missing(settings, patiently(settings, lambda: describe(settings, IMPRESSIONS)), finding)
    for partition in begun:
        out(f"+ {IMPRESSIONS}: first position of partition {partition}")
    return bool(begun)
