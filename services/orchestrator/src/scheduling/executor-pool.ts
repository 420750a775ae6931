// Which executor gets the next attempt: one that has the capability and the most free slots.
// Slots in use are derived from the leases an executor holds (promise 7), never counted beside them
// across a restart: the engine builds the pool anew from its leases.

export interface ExecutorCapability {
  readonly name: string;
  readonly version: string;
  /** How many attempts of it at once; 0 for as many as there are slots. */
  readonly maxConcurrency: number;
}

export interface PoolMember {
  readonly executorId: string;
  readonly slots: number;
  /** False while draining or gone, and from the end of a lease that it did not renew to its next heartbeat. */
  accepting: boolean;
  /** Attempts held, in all and by capability. */
  used: number;
  readonly capabilities: ReadonlyMap<string, PoolCapability>;
}

export interface PoolCapability extends ExecutorCapability {
  used: number;
}

export interface ExecutorPool<M extends PoolMember> {
  add(member: M): void;
  remove(member: M): void;
  /** The member with the most room for the capability; equals by executor id. */
  choose(capability: string): M | undefined;
  /** Whether a member that takes work has the capability, with room for it or without. */
  offers(capability: string): boolean;
  /** What the members offer, each once. */
  capabilities(): Iterable<string>;
  readonly capabilityCount: number;
}

export function createExecutorPool<M extends PoolMember>(): ExecutorPool<M> {
  const byCapability = new Map<string, M[]>();

  return {
    add(member) {
      for (const name of member.capabilities.keys()) {
        const members = byCapability.get(name) ?? [];
        members.push(member);
        members.sort((a, b) => (a.executorId < b.executorId ? -1 : 1));
        byCapability.set(name, members);
      }
    },
    remove(member) {
      for (const name of member.capabilities.keys()) {
        const left = (byCapability.get(name) ?? []).filter((other) => other !== member);
        if (left.length === 0) byCapability.delete(name);
        else byCapability.set(name, left);
      }
    },
    choose(capability) {
      let best: M | undefined;
      let bestRoom = 0;
      for (const member of byCapability.get(capability) ?? []) {
        const room = roomFor(member, capability);
        if (room > bestRoom) {
          best = member;
          bestRoom = room;
        }
      }
      return best;
    },
    offers: (capability) => (byCapability.get(capability) ?? []).some((member) => member.accepting),
    capabilities: () => byCapability.keys(),
    get capabilityCount() {
      return byCapability.size;
    },
  };
}

/** How many more attempts of it the member may be given. */
export function roomFor(member: PoolMember, capability: string): number {
  if (!member.accepting) return 0;
  const own = member.capabilities.get(capability);
  if (own === undefined) return 0;
  const room = member.slots - member.used;
  return own.maxConcurrency === 0 ? room : Math.min(room, own.maxConcurrency - own.used);
}

/** An attempt begins (+1) or ends (-1). The capability may be one the member no longer offers. */
export function occupy(member: PoolMember, capability: string, change: 1 | -1): void {
  member.used += change;
  const own = member.capabilities.get(capability);
  if (own !== undefined) own.used += change;
}
