// @ts-check
/** Random numbers that a text decides: the same text gives the same numbers, in every browser. */

/**
 * FNV-1a, 32 bits.
 * @param {string} text
 */
export function hash(text) {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return value >>> 0;
}

/** A source of random numbers. */
export class Random {
  #state;

  /** @param {string} seed */
  constructor(seed) {
    this.#state = hash(seed);
  }

  /** From 0 up to, not including, 1. */
  unit() {
    // A Weyl sequence, scrambled (splitmix32): any state is a good one, so that short seeds are, too.
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let value = this.#state ^ (this.#state >>> 16);
    value = Math.imul(value, 0x21f0aaad);
    value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
    return ((value ^ (value >>> 15)) >>> 0) / 2 ** 32;
  }

  /**
   * @param {number} low
   * @param {number} high
   */
  between(low, high) {
    return low + (high - low) * this.unit();
  }

  /**
   * A whole number from low to high, both included.
   * @param {number} low
   * @param {number} high
   */
  whole(low, high) {
    return low + Math.floor((high - low + 1) * this.unit());
  }

  /** @param {number} share */
  chance(share) {
    return this.unit() < share;
  }

  /** Around 0, mostly within 1: the sum of three, which is near enough to a normal distribution. */
  around() {
    return (this.unit() + this.unit() + this.unit()) / 1.5 - 1;
  }

  /**
   * @template T
   * @param {readonly T[]} list
   * @returns {T}
   */
  pick(list) {
    return list[Math.floor(this.unit() * list.length)];
  }

  /**
   * The same, in another order.
   * @template T
   * @param {readonly T[]} list
   */
  shuffled(list) {
    const mixed = [...list];
    for (let last = mixed.length - 1; last > 0; last--) {
      const other = Math.floor(this.unit() * (last + 1));
      [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
    }
    return mixed;
  }
}
