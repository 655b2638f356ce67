import type { Events } from "./types";

/** Listeners by event. One that throws is the page's own error, and reported as such; nothing else notices. */
export const emitter = () => {
  let listeners: [string, (detail: never) => void][] = [];
  return {
    _on<K extends keyof Events>(event: K, listener: (detail: Events[K]) => void): () => void {
      const mine: (typeof listeners)[0] = [event, listener];
      listeners.push(mine);
      return () => {
        listeners = listeners.filter((each) => each != mine);
      };
    },
    _emit<K extends keyof Events>(event: K, detail: Events[K]): void {
      for (const [name, listener] of listeners) {
        try {
          if (name == event) listener(detail as never);
        } catch (error) {
          reportError(error);
        }
      }
    },
  };
};
