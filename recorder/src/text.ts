const encoder = new TextEncoder();

export const encode = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);

/** Bytes of a text as UTF-8: `length` counts UTF-16 units, a third of them for CJK (Amplitude-TypeScript#1703). */
export const bytesOf = (text: string): number => encode(text).length;

/** A value as JSON. Half a surrogate pair becomes U+FFFD: as an escape it would make its whole line malformed. */
export const json = (value: unknown): string =>
  JSON.stringify(value, (_key, each) => (typeof each == "string" ? each.replace(/[\ud800-\udfff]/gu, "\ufffd") : each));
