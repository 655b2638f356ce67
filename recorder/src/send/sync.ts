import { tried } from "../tried";

/**
 * Send while everything waits. Firefox does it at any exit, Chromium where the page enters the back/forward cache,
 * WebKit never. It has no timeout, so it is only for what nothing else took, and nothing stores.
 */
export const sync = (url: string, text: string): boolean | undefined =>
  tried(() => {
    const request = new XMLHttpRequest();
    request.open("POST", url, false);
    request.send(text);
    return request.status == 202;
  });
