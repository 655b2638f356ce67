"""Sampled stacks, as `py-spy record --format raw` writes them: whose code a frame is, and how much time is whose."""

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
# How the C library is called as a module, and what a thread waits in, not using a core.
C_LIBRARY = "c"
WAITS = frozenset(
    {"pthread_cond_wait", "pthread_cond_timedwait", "pthread_cond_clockwait", "sem_wait", "sem_timedwait"}
    | {"sem_clockwait", "poll", "ppoll", "epoll_wait", "epoll_pwait", "select", "nanosleep", "clock_nanosleep"}
)
# Compiled without names below them, as the C library is.
LOCKS = frozenset({"PyThread_acquire_lock_timed", "take_gil"})
# Seen without compiled code, these are where Python's threads wait.
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
    """A function, and the module that it is in: a package's name, or a library's, where it is none of ours."""

    function: str
    module: str
    whose: Whose


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames from the outermost to the one that ran, and in how many samples they were seen."""

    frames: tuple[Frame, ...]
    count: int


@dataclass
class Node:
    """A frame and what it called."""

    frame: Frame
    count: int = 0
    calls: dict[Frame, "Node"] = field(default_factory=dict)


def read(lines: Iterable[str]) -> Iterator[Stack]:
    """Read raw stacks: frames with semicolons between, a space, a count. What is no such line is passed over.

    So are threads that wait: py-spy leaves them out by itself where it can tell.
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
    """Read a frame, as in `function (file:line)`; one of compiled code has a library for a file, or none."""
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
    # A module of an extension names its source as it was when it was compiled; frozen modules have no file.
    return Frame(function, _package(path.parts[0] if not path.is_absolute() else path.name), Whose.STDLIB)


def library(file: str) -> str:
    """A library's name, without version, hash and suffix; of a package's own one the package's name, too."""
    path = PurePath(file)
    found = LIBRARY.fullmatch(path.name)
    name = found["name"] if found else path.name or "unknown"
    if "site-packages" not in path.parts:
        return name
    package = path.parts[path.parts.index("site-packages") + 1]
    # What a wheel brings along lies in a folder of its own, and has a name of its own.
    return name if package.endswith(".libs") or package in (name, path.name) else f"{package}.{name}"


def _package(name: str) -> str:
    return name.removesuffix(".py").strip("<>")


class Share(NamedTuple):
    """Of all samples: those in which a module's code ran, and those in which it or something that it called did."""

    module: str
    whose: Whose
    own: float
    within: float


def shares(stacks: Iterable[Stack]) -> list[Share]:
    """How the samples divide among modules, the largest own share first."""
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
    """Put stacks together: equal beginnings are one. How the C library starts a thread is left out."""
    root = Node(Frame("all", "the worker", Whose.OURS))
    for stack in stacks:
        node = root
        node.count += stack.count
        for each in dropwhile(lambda frame: frame.module == C_LIBRARY, stack.frames):
            node = node.calls.setdefault(each, Node(each))
            node.count += stack.count
    return root
