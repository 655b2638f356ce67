/** A promise's result. Rejects if it takes longer than so many ms: what hangs must not stop everything else. */
export const limited = <T>(ms: number, promise: T | Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(reject, ms, "hung");
    Promise.resolve(promise)
      .finally(() => clearTimeout(timer))
      .then(resolve, reject);
  });
