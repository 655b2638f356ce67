"""Draws docs/gallery-desktop.png and docs/gallery-phone.png, the gallery in use: `python -m tools.gallery_pictures`."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from streams.errors import UserError
from tests.support.gallery import ARTWORKS, Gallery, missing, running_gallery, visiting

DOCS = Path(__file__).resolve().parents[1] / "docs"
# They stand in the README: a page of a megabyte is slow to read.
MOST_BYTES = 400_000
# The most that a PNG with a palette has.
COLOURS = 256


@dataclass(frozen=True)
class Picture:
    """One picture: the view in CSS pixels, device pixels a CSS pixel, the visitor, and the last work that they see."""

    file: str
    size: tuple[int, int]
    scale: float
    dark: bool
    user: str
    last: int


PICTURES = (
    Picture("gallery-desktop.png", (1440, 900), 1.25, False, "quiet-heron", 63),
    Picture("gallery-phone.png", (360, 780), 2, True, "early-otter", 13),
)

# Have the label of this work end right above the bar.
BRING = """
const work = document.getElementById(arguments[0]).closest(".work");
const bar = document.querySelector(".instruments").getBoundingClientRect().top;
scrollBy({ top: work.getBoundingClientRect().bottom - bar + 8, behavior: "instant" });
"""
IN_VIEW_DRAWN = """
const inView = [...document.querySelectorAll(".work")].filter((work) => {
  const { top, bottom } = work.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
});
return inView.every((work) => work.classList.contains("drawn")) && document.getAnimations().length === 0;
"""


def main() -> None:
    """Draw both. Raises UserError if Chromium or its driver is missing, or a picture is too large."""
    if missing():
        raise UserError(f"The gallery can't be drawn; {missing()}.")
    with tempfile.TemporaryDirectory() as folder, running_gallery(Path(folder) / "stack") as gallery:
        for picture in PICTURES:
            draw(picture, gallery, Path(folder) / picture.file)


def draw(picture: Picture, gallery: Gallery, profile: Path) -> None:
    """Visit as people do, and take the picture while the last row waits to be sent."""
    with visiting(gallery, profile, picture.size, picture.scale, picture.dark) as visit:
        visit.enter(picture.user)
        # Three works are the longest row.
        visit.see(picture.last - (3 if picture.size[0] > 500 else 1))
        seen = visit.wait_acknowledged()["acknowledged"]
        visit.wait(f"return document.querySelector('[data-number=unseen]').innerText == {ARTWORKS - seen}", "it counts")
        visit.script(BRING, f"gallery-{picture.last:03d}-title")
        visit.see_what_is_in_view()
        visit.wait(IN_VIEW_DRAWN, "all in view is drawn")
        file = DOCS / picture.file
        visit.driver.save_screenshot(str(file))
    shrink(file)


def shrink(file: Path) -> None:
    """Reduce its colours. Raises UserError if it still is too large."""
    with Image.open(file) as image:
        full = image.convert("RGB")
    palette = full.quantize(COLOURS, kmeans=3)
    # Skies are smooth only if what lies between two colours is made of dots of both.
    full.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(file, optimize=True)
    if (size := file.stat().st_size) > MOST_BYTES:
        raise UserError(f"{file} has {size:,} bytes, and may have {MOST_BYTES:,}: show less, or less sharply.")


if __name__ == "__main__":
    main()
