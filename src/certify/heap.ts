/**
 * A binary heap: whatever is put in, the item with the least bound comes out first.
 *
 * @module
 */

/** Something with a lower bound. */
export interface Bounded {
  /** The bound. */
  readonly bound: number;
}

/** Items by their bounds; Williams 1964, "Algorithm 232: Heapsort". */
export class Heap<T extends Bounded> {
  readonly #items: T[] = [];

  /** Number of items. */
  get size(): number {
    return this.#items.length;
  }

  /** The item with the least bound. */
  first(): T | undefined {
    return this.#items[0];
  }

  /** Puts an item in. */
  push(item: T): void {
    const items = this.#items;
    let i = items.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (items[parent].bound <= item.bound) break;
      items[i] = items[parent];
      i = parent;
    }
    items[i] = item;
  }

  /** Takes the item with the least bound out. */
  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1].bound < items[child].bound) child++;
      if (items[child].bound >= last.bound) break;
      items[i] = items[child];
      i = child;
    }
    items[i] = last;
    return first;
  }
}
