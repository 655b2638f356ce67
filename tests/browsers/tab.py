"""A tab of the browser, with a page of the site in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tests.browsers.site.pages import Plan

if TYPE_CHECKING:
    from tests.browsers.visit import Visit

PADDING = "padding"
Target = Plan | str


class Tab:
    """A tab. What navigates it returns once the next page has reported itself, unless told not to wait."""

    def __init__(self, visit: Visit, handle: str, plan: Plan) -> None:
        self._visit, self.handle, self.plan = visit, handle, plan
        self._process = 0

    # Navigation

    def load(self, plan: Plan | None = None, *, wait: bool = True) -> None:
        """Load a page, as if its address were typed; by default the tab's own."""
        before = self._shows(plan or self.plan)
        self.plan = plan or self.plan
        self._visit.browser.navigate(self.handle, self._visit.url(self.plan))
        if wait:
            self._wait(before, "ready")

    def go(self, target: Target | None = None, *, wait: bool = True) -> None:
        """`location.href = ...`: to a page, by default one without a recorder."""
        self._leave("go", self._target(target), wait)

    def link(self, target: Target | None = None, *, wait: bool = True) -> None:
        """A click on a link."""
        self._leave("link", self._target(target), wait)

    def reload(self) -> None:
        """`location.reload()`."""
        before = self._shows(self.plan)
        self.call("reload")
        self._wait(before, "ready")

    def back(self, plan: Plan) -> dict[str, Any]:
        """`history.back()` to the page with this plan; return its report: `persisted`, `reasons` against it."""
        return self._travel("back", plan)

    def forward(self, plan: Plan) -> dict[str, Any]:
        """`history.forward()`, as `back`."""
        return self._travel("forward", plan)

    def close(self) -> None:
        """Close it, or its window, as WebDriver does."""
        self._visit.browser.close(self.handle)

    def hide(self) -> None:
        """Minimise its window; return once its page knows that it is hidden."""
        self._turn("hidden")

    def show(self) -> None:
        """Restore its window; return once its page knows that it is visible."""
        self._turn("visible")

    def kill(self) -> None:
        """SIGKILL the process that runs its page. Restart the browser if it doesn't survive that (`browser.survives`).

        `find_process` first: to find it takes some time, in which the page is busy.
        """
        self._visit.browser.kill_renderer(self._process or self.find_process())

    def find_process(self) -> int:
        """Find out which process runs its page."""
        self._process = self._visit.browser.renderer(lambda ms: self.call("burn", ms))
        return self._process

    # Recording

    def record(self, number: int = 1, *, padding: int = 0, text: str = "", **options: Any) -> list[str]:
        """Record new artworks now, each with so many bytes of padding, or this; return those that it took."""
        ids = self._visit.artworks(number)
        took = self.call("record", ids, self._options(padding, options, text))
        recorded = [each for each, ok in zip(ids, took, strict=True) if ok]
        self._visit.note(*recorded, user=self.plan.user)
        return recorded

    def record_artworks(self, artworks: Sequence[str], **options: Any) -> None:
        """Record these artworks, whose ids may be known already."""
        took = self.call("record", list(artworks), options)
        self._visit.note(*(each for each, ok in zip(artworks, took, strict=True) if ok), user=self.plan.user)

    def record_and_go(
        self, number: int, target: Target | None = None, *, padding: int = 0, **options: Any
    ) -> list[str]:
        """Record, and leave in the same task; return once the next page is there."""
        plan = self._target(target)
        ids = self._planned(number)
        self._leave("recordAndGo", plan, True, ids, more=(self._options(padding, options),))
        return ids

    def record_at_exit(self, number: int, *, padding: int = 0, **options: Any) -> list[str]:
        """Have the page record when it sees its exit, in `pagehide`."""
        ids = self._planned(number)
        self.call("recordAtExit", ids, self._options(padding, options))
        return ids

    # The page

    def call(self, name: str, *args: Any) -> Any:
        """Call a function of `window.page` (site/static/page.js)."""
        return self._visit.call(self, name, *args)

    def stats(self) -> dict[str, Any]:
        """Return the recorder's own numbers."""
        return dict(self.call("stats") or {})

    def flush(self) -> None:
        """Have it send now."""
        self.call("flush")

    def wait_report(self, kind: str, count: int = 1) -> dict[str, Any]:
        """Wait for the page's report of a kind; return it, or the latest of as many."""
        key = self.plan.key
        self._visit.until(lambda: len(self._visit.reports(kind, key)) >= count, f"the page reports {kind!r}")
        return self._visit.reports(kind, key)[-1]

    # Inside

    def _target(self, target: Target | None) -> Plan:
        if target is None:
            return self._visit.away()
        return self._visit.plan(target) if isinstance(target, str) else target

    def _leave(self, name: str, plan: Plan, wait: bool, *first: Any, more: tuple[Any, ...] = ()) -> None:
        before = self._shows(plan)
        self.call(name, *first, self._visit.url(plan), *more)
        self.plan = plan
        if wait:
            self._wait(before, "show")

    def _travel(self, name: str, plan: Plan) -> dict[str, Any]:
        before = self._shows(plan)
        self.call(name)
        self.plan = plan
        return self._wait(before, "show")

    def _shows(self, plan: Plan) -> dict[str, int]:
        return {kind: len(self._visit.reports(kind, plan.key)) for kind in ("ready", "show")}

    def _wait(self, before: dict[str, int], kind: str) -> dict[str, Any]:
        return self.wait_report(kind, before[kind] + 1)

    def _turn(self, state: str) -> None:
        before = len(self._visit.reports("visibility", self.plan.key))
        turn = self._visit.browser.hide if state == "hidden" else self._visit.browser.show
        turn(self.handle)
        self._visit.until(
            lambda: any(each["state"] == state for each in self._visit.reports("visibility", self.plan.key)[before:]),
            f"the page is {state}",
        )

    def _planned(self, number: int) -> list[str]:
        ids = self._visit.artworks(number)
        self._visit.note(*ids, user=self.plan.user)
        return ids

    def _options(self, padding: int, options: dict[str, Any], text: str = "") -> dict[str, Any]:
        text = text or "x" * padding
        return {**options, "extra": {PADDING: text}} if text else options
