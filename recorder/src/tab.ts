import { uuid7 } from "./ids";

const KEY = "impression-recorder-tab";

/** This tab's id, which outlives its pages: what one left, the next sends at once. A new one where storage is denied. */
export const tab = (): string => {
  const id = uuid7(Date.now());
  try {
    const found = sessionStorage.getItem(KEY) || id;
    sessionStorage.setItem(KEY, found);
    return found;
  } catch {
    return id;
  }
};
