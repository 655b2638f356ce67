import { encode } from "../text";
import { limited } from "../limited";

/** Below this, the frame eats most of what is saved. */
const LEAST_BYTES = 1024;
/** Longer than it takes on any phone. */
const HUNG_MS = 5000;

/**
 * Compress a text; null if it isn't worth it. Rejects if it goes wrong: WebKit's streams have ended early without an error
 * (posthog-js#3564), so the result is believed only with gzip's first bytes and the length in its last four. A
 * response's stream, since `Blob.stream()` fails there (posthog-js#3464).
 */
export const gzip = async (text: string): Promise<Uint8Array<ArrayBuffer> | null> => {
  if (text.length < LEAST_BYTES) return null;
  const raw = encode(text);
  const packed = new Response(raw).body!.pipeThrough(new CompressionStream("gzip"));
  const out = await limited(HUNG_MS, new Response(packed).arrayBuffer());
  const view = new DataView(out);
  if (view.getUint16(0) != 0x1f8b || view.getUint32(out.byteLength - 4, true) != raw.length) throw "gzip";
  return new Uint8Array(out);
};
