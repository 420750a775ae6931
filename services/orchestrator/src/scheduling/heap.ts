// A binary heap whose items know their place, so that any of them can be moved or removed in O(log n).

export interface HeapItem {
  /** Its place in the heap that holds it; -1 while none does. Written by the heap only. */
  heapIndex: number;
}

export interface Heap<T extends HeapItem> {
  readonly size: number;
  /** The least item, left where it is. */
  peek(): T | undefined;
  push(item: T): void;
  pop(): T | undefined;
  /** Does nothing if the item is not in the heap. */
  remove(item: T): void;
}

/** `before(a, b)`: whether a comes out before b. Must be a strict order for a predictable result. */
export function createHeap<T extends HeapItem>(before: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];

  function place(item: T, index: number): void {
    items[index] = item;
    item.heapIndex = index;
  }

  function siftUp(item: T, from: number): void {
    let index = from;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = items[parentIndex] as T;
      if (!before(item, parent)) break;
      place(parent, index);
      index = parentIndex;
    }
    place(item, index);
  }

  function siftDown(item: T, from: number): void {
    let index = from;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= items.length) break;
      const right = items[childIndex + 1];
      if (right !== undefined && before(right, items[childIndex] as T)) childIndex += 1;
      const child = items[childIndex] as T;
      if (!before(child, item)) break;
      place(child, index);
      index = childIndex;
    }
    place(item, index);
  }

  function remove(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    const last = items.pop() as T;
    if (last === item) return;
    place(last, index);
    settle(last);
  }

  function settle(item: T): void {
    const index = item.heapIndex;
    const parent = index > 0 ? items[(index - 1) >> 1] : undefined;
    if (parent !== undefined && before(item, parent)) siftUp(item, index);
    else siftDown(item, index);
  }

  return {
    get size() {
      return items.length;
    },
    peek: () => items[0],
    push(item) {
      items.push(item);
      siftUp(item, items.length - 1);
    },
    pop() {
      const first = items[0];
      if (first !== undefined) remove(first);
      return first;
    },
    remove,
  };
}
