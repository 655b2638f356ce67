import { all, put, remove, type Area } from "./area";
import type { Store } from "./store";

/** A store over an area. A lock makes an access the only one, where the browser has locks; it is held for some ms. */
export const plain = (kind: Store["_kind"], area: Area): Store => ({
  _kind: kind,
  async _change(removing, choose, to, most) {
    const run = () =>
      choose(
        all(area)
          .filter((entry) => !to || entry.to == to)
          .slice(0, most),
      ).forEach((entry) => (removing ? remove : put)(area, entry));
    await (navigator.locks?.request("impression-recorder", run) || run());
  },
});
