"""A page of boxes, each of them an artwork that is observed (`site/static/boxes.js`), and what its recorder saw."""

from typing import Any

from tests.browsers.site.pages import Plan
from tests.browsers.tab import Tab
from tests.browsers.visit import Visit

PAGE = "boxes"
# Where a witness is: fixed, in a corner that no scenario uses.
CORNER = {"position": "fixed", "top": "0", "left": "90vw", "width": "20px", "height": "20px"}
# A box that is seen wherever the page is scrolled to.
SIZE = {"left": "0", "width": "100px", "height": "100px"}


class Boxes:
    """A tab with such a page."""

    def __init__(self, visit: Visit, tab: Tab) -> None:
        self.visit, self.tab = visit, tab

    @classmethod
    def open(cls, visit: Visit, **plan: Any) -> "Boxes":
        """Open the page in a new tab."""
        return cls(visit, visit.open(PAGE, **plan))

    def place(self, *, within: str | None = None, mark: str | None = None, **style: str) -> str:
        """Add a box with a style and a `data-artwork`, to the page or into another box; return its artwork."""
        (artwork,) = self.visit.artworks()
        self.call("place", artwork, {**SIZE, **style}, within, {} if mark is None else {"data-artwork": mark})
        return artwork

    def call(self, name: str, *args: Any) -> Any:
        """Call a function of the page."""
        return self.tab.call(name, *args)

    def reports(self, plan: Plan | None = None) -> dict[str, list[dict[str, Any]]]:
        """Return what was seen, by artwork, with the page's reports of that."""
        found: dict[str, list[dict[str, Any]]] = {}
        for each in self.visit.reports("seen", (plan or self.tab.plan).key):
            found.setdefault(each["artwork"], []).append(each)
        return found

    def wait(self, *artworks: str, plan: Plan | None = None) -> dict[str, Any]:
        """Wait until these are seen, and note them for the ledger; return the report of the last."""
        what = f"{', '.join(artworks)} are seen"
        self.visit.until(lambda: {*artworks} <= {*self.reports(plan)}, what)
        self.visit.note(*artworks, user=self.tab.plan.user)
        return self.reports(plan)[artworks[-1]][-1]

    def let_time_pass(self) -> None:
        """Return once two boxes were seen, one after the other: what else was to be seen by then was."""
        for _ in range(2):
            witness = self.place(**CORNER)
            self.wait(witness)
            self.call("remove", witness)

    def unseen(self, *artworks: str) -> None:
        """Time passes, and these are not seen."""
        self.let_time_pass()
        found = {*self.reports()} & {*artworks}
        self.visit.check(not found, f"{', '.join(artworks)} are not seen, but {found} are")

    def once(self, *artworks: str) -> None:
        """Check that these were seen once each."""
        reports = self.reports()
        counts = {artwork: len(reports.get(artwork, ())) for artwork in artworks}
        self.visit.check({*counts.values()} == {1}, f"each of these is seen once: {counts}")
