import { all, put, remove, type Area } from "./area";
import { createStore, type Store } from "./store";

/** A store over an area. A lock makes an access the only one, where the browser has locks; it is held for some ms. */
export const plain = (kind: Store["_kind"], area: Area): Store =>
  createStore(
    kind,
    async (to, most, act) => {
      const run = () =>
        act(
          all(area)
            .filter((entry) => !to || entry.to == to)
            .sort((one, other) => (one.id < other.id ? -1 : 1))
            .slice(0, most),
          (entry) => put(area, entry),
          (entry) => remove(area, entry),
        );
      return navigator.locks ? await navigator.locks.request("impression-recorder", run) : run();
    },
    () => {},
  );
