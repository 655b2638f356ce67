"""Lines that our own code fails on: after three failures on a line, it is rejected and the partition continues.

A failure is an exception, or the death of the process: by SIGKILL, for want of memory, in a library's own code. An
exception names its line. A death is seen by the next process, in the mark that the partition leaves on disk while it
decides. A mark of a whole chunk says that one of its lines may be to blame: the chunk is decided again line by line,
with a mark for each. Only a death at such a mark counts against a line: a kill from outside hits any chunk, but not
three times the same line.

Failures are counted on this machine, outside the state: the state of a failed chunk is dropped.
"""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

import orjson

from streams.core.pieces import Place
from streams.runtime import log
from streams.worker.mark import Deciding, Mark

logger = log.get(__name__)

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What is known about a partition when it is taken.

    `lines` have used up their attempts. Up to `careful`, lines are decided one by one, each with its mark.
    """

    mark: Mark
    lines: frozenset[Place] = frozenset()
    careful: Place = (0, 0)


class PoisonLog:
    """Counts failures by topic id, partition, offset and line, in a file in the worker's data folder.

    Safe to share between threads: partitions are taken at the same time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "poison.json"
        self._lock = threading.Lock()
        self._counts: dict[str, int] = orjson.loads(self._path.read_bytes()) if self._path.exists() else {}

    def note(self, topic_id: str, partition: int, offset: int, line: int) -> int:
        """Count one failure; return how many there were."""
        key = f"{topic_id}:{partition}:{offset}:{line}"
        with self._lock:
            self._counts[key] = count = self._counts.get(key, 0) + 1
            self._write()
        logger.error("line_failed", partition=partition, offset=offset, line=line, attempts=count)
        return count

    def poisoned(self, topic_id: str, partition: int) -> frozenset[Place]:
        """Return offset and line of each line of the partition that has used up its attempts."""
        return frozenset(p for p, count in self._places(topic_id, partition).items() if count >= ATTEMPTS)

    def suspicion(self, topic_id: str, partition: int) -> Suspicion:
        """Count the death that the partition's mark shows, if it shows one; return what is known then."""
        mark = Mark(self._folder / f"deciding-{partition}.mark")
        found, careful = mark.read(), (0, 0)
        if found is not None and found.topic_id == topic_id:
            careful = found.until
            if found.deciding is Deciding.LINE:
                self.note(topic_id, partition, *found.place)
                # Counted once, even if this process dies before it decides anything.
                mark.set(topic_id, Deciding.CHUNK, found.place, careful)
            else:
                logger.warning("chunk_failed", partition=partition, offset=found.place[0], line=found.place[1])
        return Suspicion(mark, self.poisoned(topic_id, partition), careful)

    def forget(self, topic_id: str, partition: int, before: Place) -> None:
        """Drop what is before a place, or of a topic that was re-created: these lines are never decided again."""
        with self._lock:
            kept = {
                key: count
                for key, count in self._counts.items()
                if key.split(":")[1] != str(partition)
                or (key.startswith(f"{topic_id}:{partition}:") and _place(key) >= before)
            }
            if kept != self._counts:
                self._counts = kept
                self._write()

    def _places(self, topic_id: str, partition: int) -> dict[Place, int]:
        prefix = f"{topic_id}:{partition}:"
        with self._lock:
            return {_place(key): count for key, count in self._counts.items() if key.startswith(prefix)}

    def _write(self) -> None:
        """Replace the file as a whole, so that a crash can't damage it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(self._counts))
        os.replace(fresh, self._path)


def _place(key: str) -> Place:
    offset, line = key.split(":")[2:]
    return int(offset), int(line)
