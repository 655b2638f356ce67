// @ts-check
/** The worker that draws: an id and a size in pixels come in, a picture goes out. It says once that it is ready. */

import { artwork, draw } from "./art/artwork.js";

onmessage = ({ data: { id, width, height } }) => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context) draw(artwork(id), context, width, height);
  const picture = canvas.transferToImageBitmap();
  postMessage(picture, { transfer: [picture] });
};

postMessage("ready");
