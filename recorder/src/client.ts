/** The browser's family and major version as an id, such as `firefox-153`; WebKit's by its engine, whoever built it. */
export const client = (): string | undefined => {
  const agent = navigator.userAgent;
  const found = /(Firefox|FxiOS|Edg|OPR|CriOS|Chrome)\/(\d+)/.exec(agent) || /(WebKit).*Version\/(\d+)/.exec(agent);
  return found ? `${found[1]}-${found[2]}`.toLowerCase() : undefined;
};
