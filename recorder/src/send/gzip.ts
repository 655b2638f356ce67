import { encode } from "../text";

/** Below this, the frame eats most of what is saved. */
const LEAST_BYTES = 1024;

/**
 * Compress a text, or return null if it isn't worth it or went wrong. WebKit's streams have ended early without an error
 * (posthog-js#3564), so the result is believed only with gzip's first bytes and the length in its last four. Bytes go
 * to the stream's writer: `Blob.stream()` fails there (posthog-js#3464).
 */
export const gzip = async (text: string): Promise<Uint8Array<ArrayBuffer> | null> => {
  if (typeof CompressionStream == "undefined" || text.length < LEAST_BYTES) return null;
  const raw = encode(text);
  const stream = new CompressionStream("gzip");
  const writer = stream.writable.getWriter();
  // Their errors are the reader's, too.
  writer.write(raw).catch(() => 0);
  writer.close().catch(() => 0);
  const out = new Uint8Array(await new Response(stream.readable).arrayBuffer());
  const size = out.length > 18 ? new DataView(out.buffer).getUint32(out.length - 4, true) : -1;
  if (out[0] != 0x1f || out[1] != 0x8b || size != raw.length) throw "gzip";
  return out;
};
