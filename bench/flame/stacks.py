"""Sampled stacks, as `py-spy record --format raw` writes them: who wrote a frame's code, and whose code takes time."""

import re
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import dropwhile
from pathlib import Path, PurePath
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
STDLIB = Path(sysconfig.get_paths()["stdlib"])
FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*)\)")
LINE = re.compile(r":\d+$")
# lib<name>-<hash>.so.<version>, as wheels have them; <name>.cpython-311-x86_64-linux-gnu.so
LIBRARY = re.compile(r"(?:lib)?(?P<name>.+?)(?:-[0-9a-f]{8,})?(?:\.(?:cpython|abi3)[^/]*)?\.so[.0-9]*$")
# The C library's name as a module, and its functions in which a thread waits without using a core.
C_LIBRARY = "c"
WAITS = frozenset(
    {"pthread_cond_wait", "pthread_cond_timedwait", "pthread_cond_clockwait", "sem_wait", "sem_timedwait"}
    | {"sem_clockwait", "poll", "ppoll", "epoll_wait", "epoll_pwait", "select", "nanosleep", "clock_nanosleep"}
)
# Below these there are no names, as in the C library.
LOCKS = frozenset({"PyThread_acquire_lock_timed", "take_gil"})
# Without compiled frames, Python's threads are seen waiting in these.
PYTHON_WAITS = frozenset(
    {("EpollSelector.select", "selectors"), ("_PollLikeSelector.select", "selectors"), ("Condition.wait", "threading")}
    | {("_worker", "concurrent")}
)


class Whose(StrEnum):
    """Who wrote a frame's code."""

    OURS = "this project"
    PACKAGE = "Python packages"
    STDLIB = "Python's library"
    NATIVE = "compiled code"


class Frame(NamedTuple):
    """A function and its module: the name of a package or library if it isn't ours."""

    function: str
    module: str
    whose: Whose


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames from the outermost to the one that ran, and the number of samples that showed them."""

    frames: tuple[Frame, ...]
    count: int


@dataclass
class Node:
    """A frame and what it called."""

    frame: Frame
    count: int = 0
    calls: dict[Frame, "Node"] = field(default_factory=dict)


def read(lines: Iterable[str]) -> Iterator[Stack]:
    """Read raw stacks: frames separated by semicolons, a space, a count. Other lines are skipped.

    So are waiting threads: py-spy itself leaves them out if it can tell.
    """
    for line in lines:
        text, _, count = line.rstrip("\n").rpartition(" ")
        if text and count.isdecimal() and not waits(frames := tuple(map(frame, text.split(";")))):
            yield Stack(frames, int(count))


def waits(frames: Sequence[Frame]) -> bool:
    """Whether a thread with these frames uses no core."""
    if (frames[-1].function, frames[-1].module) in PYTHON_WAITS:
        return True
    at = len(frames)
    while at and frames[at - 1].module == C_LIBRARY and frames[at - 1].whose is Whose.NATIVE:
        at -= 1
        if frames[at].function in WAITS:
            return True
    return 0 < at < len(frames) and frames[at - 1].function in LOCKS


def frame(text: str) -> Frame:
    """Read a frame, as in `function (file:line)`; a compiled frame has a library as its file, or no file."""
    found = FRAME.fullmatch(text)
    if found is None:
        return Frame(text, "unknown", Whose.NATIVE)
    function, file = found["function"], LINE.sub("", found["file"])
    if not file.endswith((".py", ".pyx", ">")):
        return Frame(function, library(file), Whose.NATIVE)
    path = PurePath(file)
    if "site-packages" in path.parts:
        return Frame(function, _package(path.parts[path.parts.index("site-packages") + 1]), Whose.PACKAGE)
    if path.is_relative_to(ROOT):
        return Frame(function, ".".join(path.relative_to(ROOT).with_suffix("").parts), Whose.OURS)
    if path.is_relative_to(STDLIB):
        return Frame(function, _package(path.relative_to(STDLIB).parts[0]), Whose.STDLIB)
    # An extension module names its source as of compilation; frozen modules have no file.
    return Frame(function, _package(path.parts[0] if not path.is_absolute() else path.name), Whose.STDLIB)


def library(file: str) -> str:
    """Return a library's name without version, hash and suffix; a package's own library is also named after it."""
    path = PurePath(file)
    found = LIBRARY.fullmatch(path.name)
    name = found["name"] if found else path.name or "unknown"
    if "site-packages" not in path.parts:
        return name
    package = path.parts[path.parts.index("site-packages") + 1]
    # Libraries bundled in a wheel are in a folder of their own, under their own names.
    return name if package.endswith(".libs") or package in (name, path.name) else f"{package}.{name}"


def _package(name: str) -> str:
    return name.removesuffix(".py").strip("<>")


class Share(NamedTuple):
    """Shares of all samples: those in which a module's code ran, and those in which it or something it called ran."""

    module: str
    whose: Whose
    own: float
    within: float


def shares(stacks: Iterable[Stack]) -> list[Share]:
    """Return each module's share of the samples, the largest own share first."""
    own: Counter[tuple[str, Whose]] = Counter()
    within: Counter[tuple[str, Whose]] = Counter()
    for stack in stacks:
        frames, count = stack.frames, stack.count
        own[frames[-1].module, frames[-1].whose] += count
        for key in {(each.module, each.whose) for each in frames}:
            within[key] += count
    samples = own.total() or 1
    found = [Share(*key, own[key] / samples, count / samples) for key, count in within.items()]
    return sorted(found, key=lambda share: (-share.own, -share.within, share.module))


def tree(stacks: Iterable[Stack]) -> Node:
    """Merge stacks with equal beginnings into a tree, without the frames in which the C library starts a thread."""
    root = Node(Frame("all", "the worker", Whose.OURS))
    for stack in stacks:
        node = root
        node.count += stack.count
        for each in dropwhile(lambda frame: frame.module == C_LIBRARY, stack.frames):
            node = node.calls.setdefault(each, Node(each))
            node.count += stack.count
    return root
