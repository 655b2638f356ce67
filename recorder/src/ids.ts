let last = 0;
let sequence = 0;

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0");

/**
 * A UUIDv7 (RFC 9562): ids sort by time, also those of one millisecond, and of a clock that was set back.
 *
 * @param now ms since the epoch
 */
export const uuid7 = (now: number): string => {
  sequence = now > last ? 0 : sequence + 1;
  // After 4,096 ids in a millisecond, the next one is borrowed.
  last = Math.max(now, last) + (sequence >> 12);
  sequence &= 0xfff;
  const [first, ...rest] = crypto.getRandomValues(new Uint16Array(4));
  const random = rest.map((each) => hex(each, 4)).join("");
  return hex(last, 12).replace(/.{8}/, "$&-") + "-7" + hex(sequence, 3) + "-" + hex((first! & 0x3fff) | 0x8000, 4) + "-" + random;
};

/** Whether the stream takes a text as an id. */
export const isId = (text: unknown): text is string => typeof text == "string" && /^[\w.:-]{1,128}$/.test(text);
