/**
 * A page of boxes, each of them an artwork that the recorder observes: scenarios place, move, hide and scroll them.
 * It reports as `seen` what the recorder records. Lengths are CSS: `calc(100vh - 98px)`.
 */
"use strict";
(() => {
  const { page } = window;
  const PARTS = 3;
  const boxes = new Map();
  let visibleSince = performance.now();
  const visible = () => {
    if (document.visibilityState === "visible") visibleSince = performance.now();
  };
  document.addEventListener("visibilitychange", visible, { capture: true });
  document.addEventListener("prerenderingchange", visible, { capture: true });
  addEventListener("pageshow", visible, { capture: true });

  const style = (element, given) => Object.assign(element.style, given);
  const box = (artwork) => boxes.get(artwork).element;
  const frames = (each, last) =>
    requestAnimationFrame((now) => (each(now) === false ? last() : frames(each, last)));

  Object.assign(page, {
    /** Add a box that is observed, to the body or into another box. */
    place(artwork, given, parent, attributes = {}) {
      const element = document.createElement("div");
      element.textContent = artwork;
      style(element, { position: "absolute", overflow: "hidden", background: "silver", ...given });
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      (parent ? box(parent) : document.body).append(element);
      boxes.set(artwork, { element });
      page.observe(artwork);
    },
    /** Observe a box, by default as the artwork that it was placed for. */
    observe(name, artwork = name, options = {}) {
      boxes.get(name).stop = window.subject.observe(box(name), artwork, options);
    },
    unobserve: (artwork) => boxes.get(artwork).stop(),
    restyle: (artwork, given) => void style(box(artwork), given),
    mark: (artwork, value) => box(artwork).setAttribute("data-artwork", value),
    remove: (artwork) => box(artwork).remove(),
    /** The last of its parent's boxes from now on. */
    append: (artwork) => box(artwork).parentNode.append(box(artwork)),
    scroll: (viewports, pixels = 0, artwork = null) =>
      (artwork ? box(artwork) : document.scrollingElement).scrollTo({
        top: viewports * innerHeight + pixels,
        behavior: "instant",
      }),
    /** Scroll in so many steps, one a frame; reports `glided`. */
    glide(viewports, steps) {
      let left = steps;
      const start = scrollY;
      frames(
        () => {
          left--;
          scrollTo({ top: start + (viewports * innerHeight - start) * (1 - left / steps), behavior: "instant" });
          return left > 0;
        },
        () => page.report("glided"),
      );
    },
    /** Show a box and hide it so many times, each for so long; reports `blinked` with the longest time it was shown. */
    blink(artwork, times, ms) {
      let longest = 0;
      let left = times * 2;
      let since = performance.now();
      let shown = false;
      frames(
        (now) => {
          if (now - since < ms) return true;
          if (shown) longest = Math.max(longest, performance.now() - since);
          shown = !shown;
          style(box(artwork), { left: shown ? "0" : "-1000px" });
          since = performance.now();
          return --left > 0;
        },
        () => page.report("blinked", { longest }),
      );
    },
    /** Another view of the same page: what was there goes, whether its observation is stopped or forgotten. */
    route(path, isStopped) {
      history.pushState(null, "", path);
      for (const { element, stop } of boxes.values()) {
        if (isStopped) stop();
        element.remove();
      }
      boxes.clear();
      scrollTo({ top: 0, behavior: "instant" });
    },
    /** A list of rows of a third of a viewport, with no more nodes than fit: a node shows another row later. */
    list(artworks) {
      const row = innerHeight / PARTS;
      const nodes = [];
      for (let number = 0; number < 2 * PARTS; number++) {
        const node = document.createElement("div");
        document.body.append(node);
        nodes.push(node);
      }
      document.body.style.height = `${row * artworks.length}px`;
      const arrange = () => {
        const first = Math.max(0, Math.round(scrollY / row) - 1);
        for (let index = first; index < Math.min(artworks.length, first + nodes.length); index++) {
          const node = nodes[index % nodes.length];
          if (node.textContent === artworks[index]) continue;
          node.textContent = artworks[index];
          style(node, { position: "absolute", top: `${index * row}px`, height: `${row}px`, width: "300px" });
          window.subject.observe(node, artworks[index], { position: index });
        }
      };
      addEventListener("scroll", arrange);
      arrange();
    },
    /** The first row of the list that is wholly visible, so that scenarios needn't know the viewport. */
    scrollToRow: (index) => scrollTo({ top: (index * innerHeight) / PARTS, behavior: "instant" }),
    frame(url, given) {
      const frame = document.createElement("iframe");
      frame.src = url;
      style(frame, { position: "absolute", border: "0", ...given });
      document.body.append(frame);
    },
    /** Navigate once nobody looks. */
    goWhenHidden(url) {
      // Not at once, or the report that it is hidden would be cut off.
      const go = () => setTimeout(() => (location.href = url), 500);
      document.addEventListener("visibilitychange", go, { once: true });
    },
  });

  const watched = (createRecorder) => (options) => {
    const recorder = createRecorder(options);
    recorder.on("record", ({ artworkId }) =>
      page.report("seen", {
        artwork: artworkId,
        state: document.visibilityState,
        prerendering: !!document.prerendering,
        visibleMs: performance.now() - visibleSince,
      }),
    );
    return recorder;
  };

  document.body.style.height = "3000vh";
  if (!page.plan.subject) return;
  window.ImpressionRecorder = { createRecorder: watched(window.ImpressionRecorder.createRecorder) };
  // Boxes that a page has from its start, for pages that no driver reaches in time.
  const { start } = window.subject;
  window.subject.start = async (...given) => {
    await start.apply(window.subject, given);
    const meta = document.querySelector("meta[name=boxes]");
    if (!meta) return;
    meta.content.split(" ").forEach((artwork, index) =>
      page.place(artwork, { top: meta.dataset.top, left: `${index * 110}px`, width: "100px", height: "100px" }),
    );
  };
})();
