import type { Events } from "./types";

/** Listeners by event. One that throws is the page's own error, and the browser reports it as such; nothing else notices. */
export const emitter = () => {
  const target = new EventTarget();
  return {
    _on<K extends keyof Events>(event: K, listener: (detail: Events[K]) => void): () => void {
      const heard = (each: Event) => listener((each as CustomEvent).detail);
      target.addEventListener(event, heard);
      return () => target.removeEventListener(event, heard);
    },
    _emit<K extends keyof Events>(event: K, detail: Events[K]): void {
      target.dispatchEvent(new CustomEvent(event, { detail }));
    },
  };
};
