"""Subjects: the recorders that scenarios try. All speak to the scenarios through one small adapter in the page.

An adapter is a script that sets `window.subject` (all but `start` and `record` may be missing):

```js
window.subject = {
  start(plan) {},               // plan: {endpoint, user, options}; may return a promise
  record(artworkId, options) {},  // returns something falsy if it was not recorded
  observe(element, artworkId, options) {},  // returns a function that stops it
  onStored(act) {},             // calls act with what `record` returned, once the browser's storage has it
  flush() {}, stats() {}, destroy() {}, setConsent(state) {},
};
```
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.browsers.requests import Flush, Request

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILT = ROOT / "streams" / "collector" / "recorder"


class Answer(NamedTuple):
    """What the stub of a tracker's endpoint answers."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = {}


@dataclass(frozen=True)
class Subject:
    """A recorder, and how it gets onto a page."""

    name: str
    folder: Path
    """Its files are served under /subject/ of the site."""
    scripts: Sequence[str]
    """Which of them a page loads, in order; the adapter last."""
    patience: float
    """How long to wait for what was recorded, once the user is back (s): longer than it takes to send again."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Its options where a scenario says nothing else."""
    early: Sequence[str] = ()
    """What a page loads before `scripts` that are late: a stub that queues. Empty: it has none."""
    stub: "Callable[[Request], Answer] | None" = None
    """Answers for its endpoint; None: it sends to the collector, and arrivals are read in ClickHouse."""
    flushes: "Callable[[Request], Sequence[Flush]] | None" = None
    """What a request says; only with a stub. The impression ids are what the vendor drops duplicates by, or empty."""
    also: Path | None = None
    """Another folder of its files."""
    version: str = ""
    come_back: float = 0.0
    """How long to wait at the end for what is still missing, after one more visit with everything working (s)."""
    skips: Mapping[str, str] = field(default_factory=dict)
    """The names of scenarios that make no sense for it, each with why."""
    prepare: Callable[[Callable[[str], None]], object] | None = None
    """Builds its files, if they aren't there; says in lines what takes time."""


SUBJECTS: dict[str, Subject] = {}


def declare_subject(subject: Subject) -> Subject:
    """Declare a subject."""
    SUBJECTS[subject.name] = subject
    return subject


def _built_version() -> str:
    manifest = BUILT / "manifest.json"
    return str(json.loads(manifest.read_text())["version"]) if manifest.exists() else "not built: make recorder"


RECORDER = declare_subject(
    Subject(
        name="recorder",
        folder=HERE / "recorder",
        also=BUILT,
        scripts=("recorder.js", "adapter.js"),
        early=("stub.js", "adapter.js"),
        # What a page that died had claimed is free after 30 s.
        patience=50,
        # A second instead of five until it sends by itself: more scenarios in less time, and the same code.
        options={"tier": "pro"},
        version=_built_version(),
    )
)
CONTROL = declare_subject(
    Subject(
        name="control",
        folder=HERE / "control",
        scripts=("control.js", "adapter.js"),
        patience=6,
        version="a naive recorder: queue in memory, timer, one beacon in pagehide",
    )
)
