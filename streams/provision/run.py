"""`impressions provision`: Kafka's topics, the positions that the worker starts from, and ClickHouse's schema."""

from collections.abc import Callable

from streams.clickhouse import migrate
from streams.clickhouse.client import connect
from streams.kafka.admin import describe
from streams.kafka.names import IMPRESSIONS
from streams.paths import migrations_folder
from streams.provision import topics_file
from streams.provision.first_position import ensure_first_position
from streams.provision.topics import provision_kafka
from streams.settings import Settings


def provision(settings: Settings, dry_run: bool, out: Callable[[str], None]) -> bool:
    """Make Kafka and ClickHouse match what the project declares; return whether anything differed.

    Prints a line for each topic, position and migration: `+` made, `~` changed, `!` refused, `?` a note, `=` as
    declared. Never deletes. A dry run looks only at Kafka's topics, since the rest depends on what it would make.
    Raises UserError for anything that can't be made to match.
    """
    declared = topics_file.load(settings)
    changed = provision_kafka(settings, declared, dry_run, out)
    if dry_run:
        return changed
    # The state of every source partition begins with a position record: without one, a missing changelog would look
    # like a first start. It also fixes the window and the partition count.
    first = ensure_first_position(settings, describe(settings, IMPRESSIONS))
    for partition in first:
        out(f"+ {IMPRESSIONS}: first position of partition {partition}")
    done = migrate.apply(connect(settings), migrations_folder(), settings.clickhouse_database, settings.window_ms)
    for each in done:
        out(f"{'+' if isinstance(each, migrate.Applied) else '='} clickhouse: {each.name}")
    return changed or bool(first) or any(isinstance(each, migrate.Applied) for each in done)
