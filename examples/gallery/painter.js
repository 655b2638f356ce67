// @ts-check
import { artwork, draw } from "./art/artwork.js";

// More than twice as sharp is not seen, and costs.
const SHARPEST = 2;

/**
 * Draws works when they come near, nearest first, and forgets what is far away: hundreds of sheets would fill a
 * gigabyte. A worker draws, so that scrolling stays smooth; where there is none, the page does.
 */
export class Painter {
  /** @type {Map<HTMLCanvasElement, string>} */
  #waiting = new Map();
  #busy = false;
  /** @type {WeakMap<Element, string>} */
  #ids = new WeakMap();
  #worker = startWorker();

  #near = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const canvas = /** @type {HTMLCanvasElement} */ (target);
        if (isIntersecting) this.#waiting.set(canvas, this.#ids.get(canvas) ?? "");
        else this.#forget(canvas);
      }
      this.#next();
    },
    { rootMargin: "150% 0px" },
  );

  /**
   * Draw the work into it whenever it is near the view.
   * @param {HTMLCanvasElement} canvas
   * @param {string} id
   */
  watch(canvas, id) {
    this.#ids.set(canvas, id);
    this.#near.observe(canvas);
  }

  async #next() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let canvas = this.#nearest(); canvas; canvas = this.#nearest()) {
        const id = this.#waiting.get(canvas) ?? "";
        this.#waiting.delete(canvas);
        const sharp = Math.min(devicePixelRatio, SHARPEST);
        const size = { width: Math.round(canvas.clientWidth * sharp), height: Math.round(canvas.clientHeight * sharp) };
        if (size.width && size.height) show(canvas, await this.#draw(id, size), size);
      }
    } finally {
      this.#busy = false;
    }
  }

  /** @type {(id: string, size: {width: number, height: number}) => Promise<ImageBitmap>} */
  async #draw(id, size) {
    const worker = await this.#worker;
    if (worker) return worker(id, size);
    const canvas = document.createElement("canvas");
    Object.assign(canvas, size);
    const context = canvas.getContext("2d");
    if (context) draw(artwork(id), context, size.width, size.height);
    return createImageBitmap(canvas);
  }

  #nearest() {
    const middle = innerHeight / 2;
    const away = (/** @type {HTMLCanvasElement} */ canvas) => {
      const { top, bottom } = canvas.getBoundingClientRect();
      return Math.abs((top + bottom) / 2 - middle);
    };
    return [...this.#waiting.keys()].sort((a, b) => away(a) - away(b)).at(0);
  }

  /** @param {HTMLCanvasElement} canvas */
  #forget(canvas) {
    this.#waiting.delete(canvas);
    if (!canvas.parentElement?.classList.contains("drawn")) return;
    canvas.parentElement.classList.remove("drawn");
    canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(null);
    Object.assign(canvas, { width: 1, height: 1 });
  }
}

/** @type {(canvas: HTMLCanvasElement, bitmap: ImageBitmap, size: {width: number, height: number}) => void} */
function show(canvas, bitmap, size) {
  Object.assign(canvas, size);
  canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
  canvas.parentElement?.classList.add("drawn");
}

/**
 * @typedef {(id: string, size: {width: number, height: number}) => Promise<ImageBitmap>} Draws
 * @returns {Promise<Draws | null>} null where workers can't draw
 */
async function startWorker() {
  if (!("OffscreenCanvas" in window)) return null;
  const url = new URL("paint.js", import.meta.url).href;
  // Where the page demands trusted types, a worker's address must be one: this is the only one that we vouch for.
  const policy = /** @type {any} */ (window).trustedTypes?.createPolicy("gallery", { createScriptURL: () => url });
  const worker = new Worker(policy ? policy.createScriptURL("") : url, { type: "module" });
  const ready = await new Promise((resolve) => {
    worker.onmessage = () => resolve(true);
    worker.onerror = () => resolve(false);
  });
  if (!ready) return null;
  return (id, size) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = () => reject(new Error(`${id} can't be drawn`));
      worker.postMessage({ id, ...size });
    });
}
