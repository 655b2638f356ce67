// A page with many artworks, to be scrolled.
"use strict";

const build = (count) => {
  const main = document.querySelector("main");
  for (let n = 0; n < count; n++) {
    const element = document.createElement("div");
    element.className = "artwork";
    main.append(element);
  }
  return [...main.children];
};

/** Observe all; returns how long that took, in ms. */
const observe = (recorder, elements) => {
  const begun = performance.now();
  elements.forEach((element, n) => recorder.observe(element, artwork(n)));
  return performance.now() - begun;
};

/** Scroll on by so many pixels, in 25 frames. */
const scroll = async (pixels) => {
  for (let n = 0; n < 25; n++) {
    scrollBy({ top: pixels / 25, behavior: "instant" });
    await new Promise(requestAnimationFrame);
  }
};

/** Scroll on in stops: 1,000 px, and a look of 1.3 s, in which the artworks become seen. */
const stroll = async (stops) => {
  for (let n = 0; n < stops; n++) {
    await scroll(1000);
    await sleep(1300);
  }
};
