import type { Events } from "./types";

type Listener = (detail: never) => void;

/** Listeners by event. One that throws is the page's own error, and reported as such; nothing else notices. */
export const emitter = () => {
  const listeners = new Map<string, Set<Listener>>();
  return {
    _on<K extends keyof Events>(event: K, listener: (detail: Events[K]) => void): () => void {
      const found = listeners.get(event) || new Set();
      listeners.set(event, found.add(listener));
      return () => void found.delete(listener);
    },
    _emit<K extends keyof Events>(event: K, detail: Events[K]): void {
      listeners.get(event)?.forEach((listener) => {
        try {
          listener(detail as never);
        } catch (error) {
          globalThis.reportError?.(error);
        }
      });
    },
  };
};
