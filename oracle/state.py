"""I4: the state of a running worker is the state that its changelogs would restore."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from rocksdict import Options, Rdict

from oracle.log import Logs
from oracle.verdict import Difference

# The changelog of each table, and the prefix of its keys in the local store.
CHANGELOGS = {"impressions-windows-changelog": b"w", "impressions-coverage-changelog": b"c"}
# Records of a changelog that are not state: its first record, and the barrier that a recovery reads up to.
CONTROL = frozenset({b"\x00a", b"\x00b"})
POSITION = b"c\x00p"
# Keys that only the local store has.
OWN = b"m"
# A compaction may delete a file during the copy; the next copy has the file that replaced it.
COPIES = 5

State = dict[bytes, bytes]
# The source's topic id, its next offset, and the next line of that record.
Position = tuple[str, int, int]


def replay(logs: Logs) -> dict[int, State]:
    """Read both changelogs from the start; return the state of each source partition, by keys of the local store."""
    states: dict[int, State] = {}
    for topic, prefix in CHANGELOGS.items():
        found = logs.describe(topic)
        topic_id, count = found or ("", 0)
        partitions = range(count)
        for partition in partitions:
            states.setdefault(partition, {})
        for record in logs.read(topic, topic_id, dict.fromkeys(partitions, 0)):
            key, value, state = record.key or b"", record.value, states[record.partition]
            if key in CONTROL:
                continue
            if value is None:
                state.pop(prefix + key, None)
            else:
                state[prefix + key] = value
    return states


def position_of(state: State) -> Position | None:
    """Return the position in the source that the state has reached, or None if it has no position yet."""
    if POSITION not in state:
        return None
    said = json.loads(state[POSITION])
    return said["topic_id"], said["next_offset"], said.get("line", 0)


def read_store(folder: Path) -> State:
    """Return a local store without its own keys, read from a copy: its worker runs. OSError if it can't be copied."""
    for attempt in range(1, COPIES + 1):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
            copy = Path(temporary) / "copy"
            try:
                shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("LOCK", "LOG*"))
            except (shutil.Error, FileNotFoundError):
                if attempt == COPIES:
                    raise
                continue
            store = Rdict(str(copy), Options(raw_mode=True))
            try:
                items = cast(Iterable[tuple[bytes, bytes]], store.items())
                return {key: value for key, value in items if not key.startswith(OWN)}
            finally:
                store.close()
    raise AssertionError("unreachable")


def partition_of(folder: Path) -> int:
    """Return the source partition of a folder of local state. Raises ValueError if its name doesn't have one."""
    found = re.fullmatch(r"partition-(\d+)", folder.name)
    if found is None:
        raise ValueError(f"{folder} is not a folder of a partition's state")
    return int(found[1])


def check_states(
    replayed: dict[int, State], folders: Sequence[Path], source_id: str, source_last: dict[int, int]
) -> Iterable[Difference]:
    """Yield what differs in each partition. `source_last` has the last offset of each partition of the source."""
    for partition, state in sorted(replayed.items()):
        difference = Difference("I4", f"state of partition {partition}")
        position = position_of(state)
        last = source_last.get(partition, -1)
        if last >= 0 and (position is None or position[0] != source_id or position[1] <= last):
            difference.wrong += 1
            difference.example(f"position {position}, the source has offset {last} of {source_id}")
        if folders:
            of_partition = [folder for folder in folders if partition_of(folder) == partition and folder.is_dir()]
            stores = {folder: read_store(folder) for folder in of_partition}
            same = {folder: store for folder, store in stores.items() if position_of(store) == position}
            if not same:
                places = {str(folder): position_of(store) for folder, store in stores.items()}
                difference.missing += 1
                difference.example(f"no store at {position}, but {places or 'none'}")
            for folder, store in same.items():
                compare_states(state, store, folder.parent.name, difference)
        yield difference


def compare_states(changelog: State, store: State, name: str, difference: Difference) -> None:
    """Add the keys that the store lacks, has in excess, or has with another value than the changelogs."""
    for key in sorted(changelog.keys() | store.keys()):
        if key not in store:
            difference.missing += 1
            difference.example(f"{name} lacks key {key.hex()}")
        elif key not in changelog:
            difference.extra += 1
            difference.example(f"{name} has key {key.hex()}, which the changelogs don't")
        elif changelog[key] != store[key]:
            difference.wrong += 1
            difference.example(f"{name} has another value of key {key.hex()}")
