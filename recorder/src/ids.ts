const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0");

/**
 * A UUIDv7 (RFC 9562): ids sort by time.
 *
 * @param now ms since the epoch
 */
export const uuid7 = (now: number): string =>
  [hex(now, 12), ...Array.from(crypto.getRandomValues(new Uint16Array(5)), (each) => hex(each, 4))]
    .join("")
    .replace(/(.{8})(.{4}).(.{3}).(.{3})/, "$1-$2-7$3-8$4-");

/** Whether the stream takes a text as an id. */
export const isId = (text: unknown): text is string => typeof text == "string" && /^[\w.:-]{1,128}$/.test(text);
