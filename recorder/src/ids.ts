/**
 * A UUIDv7 (RFC 9562): ids sort by time.
 *
 * @param now ms since the epoch
 */
export const uuid7 = (now: number): string => {
  const time = now.toString(16).padStart(12, "0").replace(/.{8}/, "$&-");
  return `${time}-7xxx-8xxx-xxxxxxxxxxxx`.replace(/x/g, () => (crypto.getRandomValues(new Uint8Array(1))[0]! & 15).toString(16));
};

/** Whether the stream takes a text as an id. */
export const isId = (text: unknown): text is string => typeof text == "string" && /^[\w.:-]{1,128}$/.test(text);
