"""What a scenario is, and how to write one.

A scenario is a function that drives a browser: it opens pages of the site, records impressions through the recorder
that is tried (the *subject*), and does to the page what users, networks and browsers do. Then the *ledger* compares
what was recorded with what readers see in ClickHouse:

- **lost**: impressions (user, artwork) that were recorded and have no row;
- **double**: rows of an impression beyond its first one.

Both must be 0 unless `expects` says otherwise, and why. A scenario also fails if any of its pages saw an error
(`window.onerror`), an unhandled rejection or a violation of its Content-Security-Policy.

```python
@scenario("tab closed", "exit", source="facts: sendBeacon in pagehide", quick=True)
def tab_closed(visit: Visit) -> None:
    \"\"\"Five impressions, and the tab is closed in the same second.\"\"\"
    tab = visit.open()  # a page with a recorder of visit.user, in a new tab
    tab.record(5)  # five new artworks; the ledger notes them
    tab.close()
    visit.again()  # the user comes back: what was kept is sent now
```

A module in `scenarios/` is found by its being there; its functions are declared by the decorator. Each scenario runs
in a browser with a profile of its own, with users of its own, on the engines in `engines`. `visit` offers:

| call | does |
|---|---|
| `visit.open(page="page", user=, options=, window=, …)` | a page in a new tab or window: a `Tab`, once it is ready |
| `visit.again(user=, …)` | opens a page, and waits until all arrived, or the subject's patience ends |
| `visit.arrived(n)` | waits until the server has n of the impressions, or all |
| `tab.record(n, padding=, **options)` | records n new artworks now; returns their ids |
| `tab.record_and_go(n, page)` | the same, and `location.href` in the same task |
| `tab.record_at_exit(n)` | the same, in `pagehide` |
| `tab.go(page)`, `tab.link(page)`, `tab.reload()`, `tab.back()`, `tab.forward()` | navigations of the page itself |
| `tab.close()`, `tab.hide()`, `tab.show()` | WebDriver's close; hidden: its window is minimised |
| `tab.stats()`, `tab.flush()`, `tab.call(name, *args)` | functions of the page (`site/static/page.js`) |
| `tab.find_process()`, `tab.kill()` | SIGKILL of the process that runs the tab's page, found first |
| `visit.kill_browser()`, `visit.restart_browser()` | SIGKILL of it; a new one with its profile (`persistent=True`) |
| `visit.network.off()`, `.on()`, `.slow()`, `.flaky()` | TCP between page and collector |
| `visit.front.answer(503, times=3)`, `.hang()`, `.cut()`, `.captive()`, `.clear()` | HTTP between page and collector |
| `visit.front.requests(user)` | what arrived there: transport, bytes, flush and impression ids, status |
| `visit.collector.kill()`, `.start()`, `.replace(**settings)` | this engine's own collector |
| `visit.note(artwork, user=)` | an impression for the ledger that no `tab.record` knows of (seen by an observer) |
| `visit.may_arrive(artwork, …)` | one of which nobody knows whether it was recorded, as its page was killed |
| `visit.check(condition, what)` | fails the scenario with a sentence |

`…` are fields of a page's plan (`site/pages.py`): `variants` of the browser (`site/static/variants.js`: beacons that
lie, no keepalive, …), `late` scripts, `trusted_types`, `record`: artworks that it records at once.
`visit.plan(page, …)` makes such a page to navigate to; `visit.away()` one without a recorder. A new page of the site
is a fragment of HTML in `site/pages`, with scripts in `site/static` only: its policy allows nothing inline.

What no scenario may do: sleep where a condition can be awaited (`visit.until(condition, what)`).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.browsers.visit import Visit

CHROMIUM, FIREFOX, WEBKIT = ALL = ("chromium", "firefox", "webkit")
Run = Callable[["Visit"], None]


@dataclass(frozen=True)
class Expects:
    """What a scenario leads to with our recorder. `lost` may be a range, up to `lost_most`, where chance decides."""

    lost: int = 0
    double: int = 0
    lost_most: int | None = None

    def holds(self, lost: int, double: int) -> bool:
        """Return whether a run led to this."""
        return self.lost <= lost <= max(self.lost, self.lost_most or 0) and double == self.double


@dataclass(frozen=True)
class Scenario:
    """A scenario, by name."""

    name: str
    group: str
    source: str
    """The public report or the measurement that it comes from, as `posthog-js#4139` or `facts`."""
    run: Run
    expects: Expects = Expects()
    engines: tuple[str, ...] = ALL
    quick: bool = False
    """Whether it runs with all tests."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the recorder, on every page."""
    why: str = ""
    """Why `expects` isn't (0, 0), or why some engines are left out: a sentence for the page of results."""
    by_engine: Mapping[str, Expects] = field(default_factory=dict)
    """What is expected in some engines, where it isn't `expects`."""
    subjects: tuple[str, ...] = ()
    """The subjects that it makes sense for; empty: all."""
    persistent: bool = False
    """Whether the browser's profile must outlive its process. WebKitGTK runs without a driver then: one page at a time,
    which can't be closed or hidden; `visit.restart_browser()` after it was killed."""
    records_nothing: bool = False
    """Whether it is right if nothing was recorded, as where nothing was seen."""

    @property
    def what(self) -> str:
        """Return what happens in it, in a sentence: the first of its function's docstring."""
        return (self.run.__doc__ or "").strip().split("\n")[0]

    def expected(self, engine: str) -> Expects:
        """Return what is expected in an engine."""
        return self.by_engine.get(engine, self.expects)


class NotApplicableError(Exception):
    """A scenario asks for something that the subject, by its nature, doesn't have: a phrase that says what."""


SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str, group: str, source: str, **more: Any) -> Callable[[Run], Run]:
    """Declare a function as a scenario; `more` are further fields of Scenario."""

    def declared(run: Run) -> Run:
        declare(Scenario(name, group, source, run, **more))
        return run

    return declared


def declare(each: Scenario) -> None:
    """Declare a scenario. Raises ValueError for a name that there is, and for a reason that is missing."""
    if each.name in SCENARIOS:
        raise ValueError(f"there are two scenarios named {each.name!r}")
    unusual = {Expects(), each.expects, *each.by_engine.values()} != {Expects()} or each.engines != ALL
    if unusual and not each.why:
        raise ValueError(f"scenario {each.name!r} must say why it expects that, or leaves engines out")
    SCENARIOS[each.name] = each


def load_all() -> Mapping[str, Scenario]:
    """Return all scenarios, by name, in the order of their modules' names and of their declaration."""
    folder = Path(__file__).parent / "scenarios"
    for module in sorted(pkgutil.iter_modules([str(folder)]), key=lambda each: each.name):
        importlib.import_module(f"tests.browsers.scenarios.{module.name}")
    return SCENARIOS


def chosen(
    scenarios: Iterable[Scenario], engine: str, subject: str, groups: Iterable[str] = (), quick: bool = False
) -> list[Scenario]:
    """Return those that run in an engine, on a subject."""
    wanted = set(groups)
    return [
        each
        for each in scenarios
        if engine in each.engines
        and (not each.subjects or subject in each.subjects)
        and (not wanted or each.group in wanted)
        and (each.quick or not quick)
    ]
