let last = 0;
let sequence = 0;

/**
 * A UUIDv7 (RFC 9562): ids sort by time, also those of one millisecond, and of a clock that was set back.
 *
 * @param now ms since the epoch
 */
export const uuid7 = (now: number): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  if (now > last) {
    last = now;
    sequence = bytes[6]! << 2;
  } else if (++sequence > 0xfff) {
    last++;
    sequence = 0;
  }
  bytes[6] = 0x70 | (sequence >> 8);
  bytes[7] = sequence;
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = [...bytes.slice(6)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const time = last.toString(16).padStart(12, "0");
  return [time.slice(0, 8), time.slice(8), hex.slice(0, 4), hex.slice(4, 8), hex.slice(8)].join("-");
};

/** Whether the stream takes a text as an id. */
export const isId = (text: unknown): text is string => typeof text == "string" && /^[\w.:-]{1,128}$/.test(text);
