/** A promise's result. Rejects if it takes longer than so many ms: what hangs must not stop everything else. */
export const limited = <T>(ms: number, promise: T | Promise<T>): Promise<T> =>
  Promise.race([promise, new Promise<never>((_resolve, reject) => setTimeout(reject, ms, "hung"))]);
