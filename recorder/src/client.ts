/** The browser's family and major version as an id: `firefox-153`, `chrome-156` for all of its kind, `webkit-18`. */
export const client = (): string | undefined =>
  /(Firefox|Chrome|Version)\/\d+/
    .exec(navigator.userAgent)?.[0]
    .replace("/", "-")
    .replace("Version", "WebKit")
    .toLowerCase();
