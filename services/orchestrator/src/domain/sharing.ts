// A million runs each have collections that few of them put anything into: those share one that is empty until then.

/** The run's own, to be written to and put in the place of the other: a new one while that is empty. */
export function ownMap<K, V>(shared: ReadonlyMap<K, V>): Map<K, V> {
  return shared.size === 0 ? new Map() : (shared as Map<K, V>);
}

/** As ownMap. */
export function ownSet<T>(shared: ReadonlySet<T>): Set<T> {
  return shared.size === 0 ? new Set() : (shared as Set<T>);
}
