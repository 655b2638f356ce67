"""A user's visits to the site in one scenario: what a scenario's function gets (`scenario.py` lists its calls)."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

from tests.browsers.engines import browser
from tests.browsers.front import Front
from tests.browsers.lane import Lane
from tests.browsers.ledger import Key, Ledger, kept
from tests.browsers.network import Network
from tests.browsers.requests import Request
from tests.browsers.scenario import Scenario
from tests.browsers.site.pages import Plan
from tests.browsers.site.server import Report
from tests.browsers.stack import Collector
from tests.browsers.stand_in import StandIn
from tests.browsers.tab import Tab
from tests.support import wait

T = TypeVar("T")

# For anything that a browser does in a second, on a busy machine.
SECONDS = 30.0
PROBLEMS = ("error", "rejection", "violation")


class ScenarioError(AssertionError):
    """A scenario did not go as it must: a sentence."""


class Visit:
    """One scenario on one engine."""

    def __init__(self, lane: Lane, scenario: Scenario) -> None:
        self.lane, self.scenario, self.engine = lane, scenario, lane.engine
        self.ledger = Ledger()
        self.run = uuid4().hex[:12]
        self.user = f"u-{self.run}"
        self.users = [self.user]
        self.begun = time.time()
        self.facts: dict[str, Any] = {}
        """What the scenario found out besides, for the results."""
        self.resources = ExitStack()
        self._numbers = count(1)
        self.browser = browser(self.engine, lane.folder / self.run, scenario.persistent)

    @property
    def front(self) -> Front:
        """Return HTTP between page and collector."""
        return self.lane.front

    @property
    def network(self) -> Network:
        """Return TCP between page and collector."""
        return self.lane.network

    @property
    def collector(self) -> Collector | StandIn:
        """Return the collector of this engine."""
        return self.lane.collector

    # Pages

    def open(self, page: str = "page", *, window: bool = False, wait: bool = True, **plan: Any) -> Tab:
        """Open a page in a new tab, or window; see `plan` for the rest. `wait`: until it is ready."""
        tab = Tab(self, self.browser.new_tab(window), self.plan(page, **plan))
        tab.load(wait=wait)
        return tab

    def plan(
        self, page: str = "page", *, user: str | None = None, options: Mapping[str, Any] | None = None, **more: Any
    ) -> Plan:
        """Register a page with this plan; `more` are fields of Plan. Of another user: also one for the ledger."""
        user = user or self.user
        if user not in self.users:
            self.users.append(user)
        merged = {**self.lane.subject.options, **self.scenario.options, **(options or {})}
        plan = Plan(
            self.run,
            uuid4().hex[:12],
            page,
            user,
            self.lane.endpoint,
            options=merged,
            polled=self.browser.polled,
            **more,
        )
        self.lane.site.plans[plan.key] = plan
        return plan

    def call(self, tab: Tab, name: str, *args: Any) -> Any:
        """Call a function of a tab's page."""
        if self.browser.polled:
            return self.lane.servers.run(self.lane.site.call(tab.plan.key, name, args), SECONDS)
        return self.browser.call(tab.handle, name, *args)

    def url(self, plan: Plan) -> str:
        """Return a page's address."""
        return f"{self.lane.origin}/p/{plan.page}/{plan.key}"

    def away(self) -> Plan:
        """Return a page of the site without a recorder."""
        return self.plan("other", subject=False)

    def again(self, *, user: str | None = None, wait: bool = True, **plan: Any) -> Tab:
        """Come back: open a page, and wait until all that was recorded has arrived, or the patience ends."""
        tab = self.open(user=user, **plan)
        if wait:
            self.arrived()
        return tab

    def come_back(self) -> None:
        """Once more, with everything working: what a tracker kept, and sends only then, is late and not lost."""
        seconds = self.lane.subject.come_back
        if seconds and self.missing():
            self.lane.heal()
            for user in self.users:
                self.open(user=user)
            with suppress(AssertionError):
                wait.until(lambda: not self.missing(), seconds, "all arrived")

    # The browser

    def kill_browser(self) -> None:
        """SIGKILL of the whole browser."""
        self.browser.kill()

    def restart_browser(self) -> None:
        """Start it with the same profile, after it was killed or stopped."""
        self.browser.start()

    # The ledger

    def artworks(self, number: int = 1) -> list[str]:
        """Return the ids of new artworks."""
        return [f"a{next(self._numbers):05d}" for _ in range(number)]

    def note(self, *artworks: str, user: str | None = None) -> None:
        """Impressions were recorded."""
        for artwork in artworks:
            self.ledger.note(user or self.user, artwork)

    def may_arrive(self, *artworks: str, user: str | None = None) -> None:
        """It isn't known whether these were recorded: they may arrive, or not."""
        self.ledger.possible.update(Key(user or self.user, each) for each in artworks)

    def missing(self) -> int:
        """Return how many recorded impressions no answer of 2xx has taken yet."""
        stored = {key for request in self._requests() if request.stored for key in self._keys(request)}
        return len({*self.ledger.recorded} - stored)

    def arrived(self, number: int | None = None, patience: float | None = None) -> bool:
        """Wait until the server has that many of the recorded, or all; return whether it has."""
        most = 0 if number is None else len(self.ledger.recorded) - number
        usual = self.lane.subject.patience
        # A scenario's own patience is for ours; what a tracker sends later is waited for at the end.
        seconds = min(patience or usual, usual) if self.lane.subject.stub else patience or usual
        try:
            wait.until(lambda: self.missing() <= most, seconds, "all arrived")
        except AssertionError:
            return False
        return True

    def rows(self) -> dict[tuple[str, str], int]:
        """Return what readers see, once the stream has judged all that the server took."""
        if self.lane.subject.stub is not None:
            return {key: kept(ids) for key, ids in self.arrivals().items()}
        flushes = [flush for request in self._requests() if request.stored for flush in request.flushes]
        lines = [each for each in flushes if each.user in self.users]
        self.lane.stack.wait_lines(self.users, len(lines))
        return self.lane.stack.rows(self.users)

    def arrivals(self) -> dict[tuple[str, str], list[str]]:
        """Return the ids of all arrivals of each (user, artwork) that the server stored."""
        found: dict[tuple[str, str], list[str]] = {}
        for request in self._requests():
            for flush in request.flushes if request.stored else ():
                for impression, artwork in flush.impressions if flush.user in self.users else ():
                    found.setdefault((flush.user, artwork), []).append(impression)
        return found

    def _requests(self) -> Sequence[Request]:
        return self.front.requests(since=self.begun)

    def _keys(self, request: Request) -> Sequence[tuple[str, str]]:
        return [(flush.user, artwork) for flush in request.flushes for _, artwork in flush.impressions]

    # What pages said

    def reports(self, kind: str | None = None, key: str | None = None) -> list[Report]:
        """Return what the pages reported."""
        return self.lane.site.of(self.run, kind, key)

    def problems(self) -> list[str]:
        """Return the errors of all pages: there must be none."""
        return [f"{each['kind']}: {each['text']}" for kind in PROBLEMS for each in self.reports(kind)]

    def until(self, condition: Callable[[], T], what: str, seconds: float = SECONDS) -> T:
        """Return the condition's first truthy value. Raises ScenarioError that says `what` did not happen."""
        try:
            return wait.until(condition, seconds, what)
        except AssertionError as error:
            raise ScenarioError(str(error)) from None

    def let_pass(self, seconds: float) -> None:
        """Return after this time: only where time itself is what a scenario is about."""
        wait.let_pass(seconds)

    def check(self, condition: object, what: str) -> None:
        """Raise ScenarioError, which says `what` should be, unless the condition is true."""
        if not condition:
            raise ScenarioError(f"not true: {what}")
