"""Sampled stacks are read correctly and drawn as a valid picture."""

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.flame.picture import WIDTH, svg
from bench.flame.run import of_threads
from bench.flame.stacks import ROOT, STDLIB, Frame, Share, Whose, frame, library, read, shares, tree

OURS = f"decide ({ROOT}/streams/core/chunk.py:93)"
PACKAGE = "loop (/x/lib/python3.11/site-packages/mode/services.py:12)"
NATIVE = "rd_kafka_produce (/x/site-packages/confluent_kafka.libs/librdkafka-0cb94173.so.1)"


@pytest.mark.parametrize(
    ("text", "module", "whose"),
    [
        (OURS, "streams.core.chunk", Whose.OURS),
        (PACKAGE, "mode", Whose.PACKAGE),
        ("six (/x/site-packages/six.py:1)", "six", Whose.PACKAGE),
        (f"run ({STDLIB}/asyncio/base_events.py:593)", "asyncio", Whose.STDLIB),
        (f"run ({STDLIB}/threading.py:1)", "threading", Whose.STDLIB),
        ("_run_module_as_main (<frozen runpy>:173)", "frozen runpy", Whose.STDLIB),
        (NATIVE, "rdkafka", Whose.NATIVE),
        ("0x7fb5a60a3f16 (/usr/lib/libc.so.6)", "c", Whose.NATIVE),
        ("ra_get_index (/project/pyroaring/roaring.h:8216)", "roaring.h", Whose.NATIVE),
        ("nameless", "unknown", Whose.NATIVE),
    ],
)
def test_a_frame_shows_who_wrote_its_code(text: str, module: str, whose: Whose) -> None:
    found = frame(text)
    assert (found.module, found.whose) == (module, whose)
    assert found.function == text.partition(" (")[0]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("/x/site-packages/orjson/orjson.cpython-311-x86_64-linux-gnu.so", "orjson"),
        ("/x/site-packages/msgspec/_core.cpython-311-x86_64-linux-gnu.so", "msgspec._core"),
        ("/x/site-packages/pyroaring.cpython-311-x86_64-linux-gnu.so", "pyroaring"),
        ("/x/pydantic_core/_pydantic_core.abi3.so", "_pydantic_core"),
        ("/lib/libpython3.11.so.1.0", "python3.11"),
        ("", "unknown"),
    ],
)
def test_a_library_is_named_without_version_and_suffix(file: str, name: str) -> None:
    assert library(file) == name


def test_lines_that_are_not_stacks_are_skipped() -> None:
    found = list(read([f"{PACKAGE};{OURS} 3\n", "", "something else", f"{OURS};{NATIVE} 1"]))
    assert [(len(stack.frames), stack.count) for stack in found] == [(2, 3), (2, 1)]


def test_waiting_threads_use_no_cpu_time() -> None:
    waits = [
        f"{OURS};PyThread_acquire_lock_timed (/x/libpython3.11.so.1.0);0x7fb5 (/x/libc.so.6) 5",
        f"{OURS};select_poll_poll_impl (/x/selectmodule.c:655);poll (/x/libc.so.6) 5",
        f"{PACKAGE};take_gil (/x/libpython3.11.so.1.0);0x7fb5 (/x/libc.so.6) 5",
    ]
    works = [f"{OURS};malloc_of_something (/x/libz.so.1);0x7fb5 (/x/libc.so.6) 2", f"{OURS} 1"]
    assert sum(stack.count for stack in read([*waits, *works])) == 3


def test_own_time_is_the_innermost_frames_and_within_counts_a_stack_once() -> None:
    stacks = list(read([f"{OURS};{PACKAGE};{OURS};{NATIVE} 6", f"{OURS};{PACKAGE} 3", f"{OURS} 1"]))
    assert shares(stacks) == [
        Share("rdkafka", Whose.NATIVE, 0.6, 0.6),
        Share("mode", Whose.PACKAGE, 0.3, 0.9),
        Share("streams.core.chunk", Whose.OURS, 0.1, 1.0),
    ]
    assert shares([]) == []


def test_stacks_with_equal_beginnings_share_frames() -> None:
    root = tree(read([f"{OURS};{NATIVE} 6", f"{OURS};{PACKAGE} 3", f"{PACKAGE} 1"]))
    assert root.count == 10
    ours = root.calls[frame(OURS)]
    assert (ours.count, {each.count for each in ours.calls.values()}) == (9, {6, 3})


def test_the_picture_is_as_wide_as_its_shares_and_names_no_file() -> None:
    root = tree(read([f"{OURS};{NATIVE} 600", f"{PACKAGE};<lambda> ({ROOT}/x.py:1) 399", "rare (unknown) 1"]))
    text = "\n".join(svg(root, "one & two"))
    assert str(ROOT) not in text
    shapes = ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}g")
    named = {group[0].text: float(group[1].attrib["width"]) for group in shapes}
    assert named["rd_kafka_produce (rdkafka): 60.0%"] == pytest.approx(0.6 * WIDTH, abs=1)
    assert named["all (the worker): 100.0%"] == pytest.approx(WIDTH, abs=1)
    assert named["<lambda> (x): 39.9%"] == pytest.approx(0.399 * WIDTH, abs=1)
    assert Frame("loop", "mode", Whose.PACKAGE) in root.calls


def test_threads_of_a_library_are_grouped_by_name(tmp_path: Path) -> None:
    for number, (name, user, system) in enumerate((("python", 50, 7), ("rdk:broker1", 3, 1), ("rdk:broker-1", 2, 0))):
        folder = tmp_path / "7" / "task" / str(number)
        folder.mkdir(parents=True)
        rest = " ".join(["0"] * 10 + [str(user), str(system)])
        (folder / "stat").write_text(f"{number} ({name}) S {rest} 0 0")
    assert of_threads(7, tmp_path) == Counter({"python": 57, "rdk:broker": 4, "rdk:broker-": 2})
    assert of_threads(None, tmp_path) == Counter()
