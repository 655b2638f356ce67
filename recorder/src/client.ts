/** The browser's family and major version as an id, such as `firefox-153`; WebKit's by its engine, whoever built it. */
export const client = (): string | undefined =>
  /(Firefox|FxiOS|Edg|OPR|CriOS|Chrome|Version)\/\d+/
    .exec(navigator.userAgent)?.[0]
    .replace("/", "-")
    .replace("Version", "WebKit")
    .toLowerCase();
