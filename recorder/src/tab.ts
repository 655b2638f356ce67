import { uuid7 } from "./ids";
import { tried } from "./tried";

const KEY = "impression-recorder-tab";

/** This tab's id, which outlives its pages: what one left, the next sends at once. A new one where storage is denied. */
export const tab = (): string => {
  const id = uuid7(Date.now());
  return tried(() => (sessionStorage[KEY] ||= id)) || id;
};
