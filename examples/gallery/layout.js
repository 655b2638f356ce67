// @ts-check
/**
 * Where works hang: in rows as wide as the wall, all works of a row as high as each other.
 * @typedef {{left: number, top: number, width: number, height: number}} Place
 */

/**
 * Rows are filled from the first work on, so more works never move those before them. The last row is left out while it
 * could still change, unless there is nothing more to come.
 * @param {number[]} ratios width / height of each work
 * @param {{width: number, height: number, gap: number, below: number, single: boolean, last: boolean}} wall its width,
 *   the height to come close to, the gap between works, the room below each, whether each has a row of its own, whether
 *   all works are there; in CSS pixels
 * @returns {{places: Place[], height: number}} fewer places than works, if the last row is left out
 */
export function layout(ratios, wall) {
  /** @type {Place[]} */
  const places = [];
  let [top, from] = [0, 0];
  while (from < ratios.length) {
    const row = wall.single ? { count: 1, height: wall.width / ratios[from] } : nextRow(ratios, from, wall);
    if (row === null) break;
    let left = 0;
    for (const ratio of ratios.slice(from, from + row.count)) {
      // Whole pixels: sheets and marks keep sharp edges, and a row ends where the wall does.
      const right = left + row.height * ratio;
      places.push({
        left: Math.round(left),
        top,
        width: Math.round(right) - Math.round(left),
        height: Math.round(row.height),
      });
      left = right + wall.gap;
    }
    top += Math.round(row.height + wall.below);
    from += row.count;
  }
  return { places, height: top };
}

/**
 * @type {(ratios: number[], from: number, wall: {width: number, height: number, gap: number,
 *   last: boolean}) => {count: number, height: number} | null}
 */
function nextRow(ratios, from, wall) {
  let [sum, before] = [0, Infinity];
  for (let count = 1; from + count <= ratios.length; count++) {
    sum += ratios[from + count - 1];
    const height = (wall.width - wall.gap * (count - 1)) / sum;
    if (height <= wall.height) {
      // One work less would be higher than wanted, this one makes it lower: whichever is nearer, as a factor.
      const fewer = count > 1 && before / wall.height < wall.height / height;
      return fewer ? { count: count - 1, height: before } : { count, height };
    }
    before = height;
  }
  return wall.last ? { count: ratios.length - from, height: Math.min(before, wall.height) } : null;
}
