"""What counts as seen (docs/reference/seen.md): the rule at its bounds, sizes, moves, and what isn't drawn."""

from collections.abc import Callable
from typing import Any

from tests.browsers.boxes import Boxes
from tests.browsers.scenario import Run, scenario
from tests.browsers.visit import Visit

GROUP = "seen"
# Others have no rule of their own for what is seen.
SUBJECTS = ("recorder",)
# A rule that a busy machine can't break by being late.
SLOW = {"visible": {"ratio": 0.5, "ms": 3000}}


def seen(name: str, source: str, **more: Any) -> Callable[[Run], Run]:
    """Declare a scenario of this group."""
    options = {"flushMs": 100, **more.pop("options", {})}
    return scenario(name, GROUP, source, subjects=SUBJECTS, options=options, **more)


@seen("half of it", "MRC: 50 % of the pixels", quick=True)
def half_of_it(visit: Visit) -> None:
    """Scrolled to where 51 %, 50 % and 49 % of three boxes are visible: two are seen; the third 1 % further on."""
    boxes = Boxes.open(visit)
    tops = {"51 %": "calc(100vh + 98px)", "50 %": "calc(100vh + 100px)", "49 %": "calc(100vh + 102px)"}
    more, half, less = (
        boxes.place(top=top, left=f"{index * 110}px", height="200px") for index, top in enumerate(tops.values())
    )
    boxes.call("scroll", 0, 200)
    boxes.wait(more, half)
    boxes.unseen(less)
    boxes.call("scroll", 0, 202)
    boxes.wait(less)
    visit.arrived()


@seen("never for long enough", "MRC: one continuous second", options=SLOW)
def never_for_long_enough(visit: Visit) -> None:
    """A box is shown five times, each for a third of the time that it takes: that doesn't add up."""
    boxes = Boxes.open(visit)
    artwork = boxes.place(top="0", left="-1000px")
    boxes.call("blink", artwork, 5, 1000)
    report = boxes.tab.wait_report("blinked")
    visit.check(report["longest"] < 3000, f"the page is not held up for so long: {report['longest']} ms")
    boxes.unseen(artwork)
    boxes.call("restyle", artwork, {"left": "0"})
    boxes.wait(artwork)
    visit.arrived()


@seen("taller than the viewport", "w3c/IntersectionObserver#124, origami#1948", quick=True)
def taller_than_the_viewport(visit: Visit) -> None:
    """Boxes of 5 and 40 viewports, and a narrow one, of which never half is visible: what can be visible counts."""
    boxes = Boxes.open(visit)
    heights = ("500vh", "4000vh", "500vh")
    widths = ("300px", "300px", "20px")
    artworks = [
        boxes.place(top="100vh", left=f"{index * 310}px", height=height, width=width)
        for index, (height, width) in enumerate(zip(heights, widths, strict=True))
    ]
    boxes.call("scroll", 0.2)
    boxes.call("scroll", 0.4)
    boxes.unseen(*artworks)
    boxes.call("scroll", 0.6)
    boxes.wait(*artworks)
    visit.arrived()


@seen("wider than the viewport", "react-intersection-observer#388")
def wider_than_the_viewport(visit: Visit) -> None:
    """A box of five viewports' width, in a page that doesn't scroll sideways."""
    boxes = Boxes.open(visit)
    artwork = boxes.place(top="0", width="500vw", position="fixed")
    boxes.wait(artwork)
    visit.arrived()


@seen("large", "MRC: 30 % of 242,500 pixels", options={"visible": "mrc-large"})
def large(visit: Visit) -> None:
    """Of two boxes, 31 % are visible; only one has as many pixels as 970 x 250, which are 242,500."""
    boxes = Boxes.open(visit)
    large_one = boxes.place(top="calc(100vh - 155px)", width="485px", height="500px")
    small_one = boxes.place(top="calc(100vh - 155px)", left="495px", width="484px", height="500px")
    boxes.wait(large_one)
    boxes.unseen(small_one)
    visit.arrived()


@seen("no area", "amphtml#29946, spaniel#103, IntersectionObserver#69", quick=True)
def no_area(visit: Visit) -> None:
    """Boxes without width or height, or that only touch the viewport: never seen."""
    boxes = Boxes.open(visit)
    sizes = ({"width": "0", "height": "0"}, {"width": "0"}, {"height": "0"}, {"top": "100vh"}, {"display": "contents"})
    artworks = [boxes.place(**{"top": "50px", **size}) for size in sizes]
    boxes.unseen(*artworks)
    visit.arrived()


@seen("not drawn, then shown", "facts: display:none and detached nodes have ratio 0", quick=True)
def not_drawn_then_shown(visit: Visit) -> None:
    """Boxes that CSS hides in four ways, or that the page took away: seen once they are shown."""
    boxes = Boxes.open(visit)
    ways = {"display": "none", "visibility": "hidden", "opacity": "0", "left": "-500px"}
    artworks = [
        boxes.place(**{"top": "0", "left": f"{index * 110}px", name: value})
        for index, (name, value) in enumerate(ways.items())
    ]
    boxes.unseen(*artworks)
    for artwork, name in zip(artworks, ways, strict=True):
        boxes.call("restyle", artwork, {name: ""})
        boxes.wait(artwork)
    visit.arrived()


@seen("transparent by its parent", "walkerOS#695: an observer reports what is transparent")
def transparent_by_its_parent(visit: Visit) -> None:
    """A slide show's box under another, opacity 0, until its turn comes."""
    boxes = Boxes.open(visit)
    slide = boxes.place(top="0", opacity="0")
    artwork = boxes.place(top="0", within=slide)
    boxes.unseen(artwork, slide)
    boxes.call("restyle", slide, {"opacity": "0.2"})
    boxes.wait(artwork, slide)
    visit.arrived()


@seen("hidden midway", "facts: content that goes stops its clock", options=SLOW)
def hidden_midway(visit: Visit) -> None:
    """Boxes that are hidden, moved away and removed before their time is up: not seen."""
    boxes = Boxes.open(visit)
    gone = [boxes.place(top="0", left=f"{index * 110}px") for index in range(4)]
    boxes.call("restyle", gone[0], {"display": "none"})
    boxes.call("restyle", gone[1], {"top": "200vh"})
    boxes.call("remove", gone[2])
    boxes.call("unobserve", gone[3])
    boxes.unseen(*gone)
    visit.arrived()


@seen("moved", "react-use#2376: the first entry of a target is stale")
def moved(visit: Visit) -> None:
    """A box moves into the viewport without any scroll, another changes its place among its siblings."""
    boxes = Boxes.open(visit)
    comes = boxes.place(top="300vh")
    leaves = boxes.place(top="300vh", left="110px")
    for top in ("0", "300vh", "0", "300vh"):
        boxes.call("restyle", leaves, {"top": top})
    boxes.call("restyle", comes, {"top": "0"})
    boxes.call("append", comes)
    boxes.wait(comes)
    boxes.unseen(leaves)
    visit.arrived()


@seen("scrolled past", "IntersectionObserver#15", options=SLOW)
def scrolled_past(visit: Visit) -> None:
    """A hundred boxes pass by; the last three stay, and are seen."""
    boxes = Boxes.open(visit)
    artworks = [boxes.place(top=f"{120 + 20 * index}vh", height="18vh") for index in range(100)]
    boxes.call("glide", 20.5, 100)
    boxes.tab.wait_report("glided")
    boxes.wait(*artworks[-3:])
    boxes.unseen(*artworks[:-3])
    visit.arrived()


@seen("in a scroll container", "IntersectionObserver#283: it clips through scrollers", quick=True)
def in_a_scroll_container(visit: Visit) -> None:
    """Boxes in a box that scrolls by itself: those outside of its edge are not seen, though within the viewport."""
    boxes = Boxes.open(visit)
    scroller = boxes.place(top="0", width="300px", height="220px", overflow="auto")
    inside, outside = (boxes.place(top=f"{top}px", within=scroller) for top in (0, 225))
    boxes.wait(scroller, inside)
    boxes.unseen(outside)
    boxes.call("scroll", 0, 105, scroller)
    boxes.wait(outside)
    visit.arrived()


@seen("twice", "contract §4.2: within the window, it is a duplicate", quick=True)
def twice(visit: Visit) -> None:
    """A box is seen, scrolled away and seen again; the same artwork is in a second box: recorded once."""
    boxes = Boxes.open(visit)
    artwork, other = boxes.place(top="0"), boxes.place(top="0", left="110px")
    boxes.call("observe", other, artwork)
    boxes.wait(artwork)
    boxes.call("scroll", 5)
    boxes.let_time_pass()
    boxes.call("scroll", 0)
    boxes.let_time_pass()
    boxes.once(artwork)
    visit.arrived()


@seen("a virtual list", "virtual-scroller#150, virtua#45", quick=True)
def a_virtual_list(visit: Visit) -> None:
    """Sixty rows in six nodes, scrolled to three places: the three rows of each, and none between."""
    boxes = Boxes.open(visit)
    rows = visit.artworks(60)
    boxes.call("list", rows)
    boxes.wait(*rows[0:3])
    for first in (30, 31, 57, 0):
        boxes.call("scrollToRow", first)
        boxes.wait(*rows[first : first + 3])
    boxes.let_time_pass()
    expected = {*rows[0:3], *rows[30:34], *rows[57:60]}
    others = {*boxes.reports()} & {*rows} - expected
    visit.check(not others, f"no other row is seen, but {others} are")
    boxes.once(*expected)
    visit.arrived()


@seen("a node that is re-used", "w3c/IntersectionObserver#15", options=SLOW)
def a_node_that_is_reused(visit: Visit) -> None:
    """A visible node gets another artwork before its time is up, told by observe() or by data-artwork alone."""
    boxes = Boxes.open(visit)
    told = boxes.place(top="0")
    (second,) = visit.artworks()
    boxes.call("observe", told, second)
    (first,) = visit.artworks()
    marked = boxes.place(top="0", left="110px", mark=first)
    boxes.call("observe", marked, first)
    boxes.call("mark", marked, "another")
    boxes.wait(second)
    boxes.unseen(told, first, marked)
    visit.arrived()
