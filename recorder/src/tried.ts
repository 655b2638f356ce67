/** What an act returns; undefined if it throws, as what is denied, full or blocked does. */
export const tried = <T>(act: () => T): T | undefined => {
  try {
    return act();
  } catch {
    return;
  }
};
