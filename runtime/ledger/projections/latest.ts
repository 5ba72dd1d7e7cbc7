import type { JsonObject } from '../../contracts/json.js';
import type { Projection } from './projection.js';

/** Breakers and types that are known; there are some dozens. Beyond it nothing new is taken in. */
const namesMax = 1024;

export interface LatestState {
  /** Events by type. */
  counts: Map<string, number>;
  /** State of each breaker, by its last transition. */
  breakers: Map<string, string>;
  /** The level in force. */
  level: string;
}

const transitions = new Set([
  'circuit_opened',
  'circuit_half_opened',
  'circuit_closed',
  'state_change',
  'manual_reset',
]);

/** Where things stand: what an auditor compares with what the appliance says of itself. */
export const latestProjection: Projection<LatestState> = {
  name: 'latest',
  initial: () => ({ counts: new Map(), breakers: new Map(), level: 'normal' }),
  apply(state, { type, data }) {
    const { counts, breakers } = state;
    if (counts.has(type) || counts.size < namesMax) counts.set(type, (counts.get(type) ?? 0) + 1);
    if (transitions.has(type)) setName(breakers, data);
    if (type === 'degradation_changed' && typeof data.to === 'string') state.level = data.to;
    // A new run begins at the normal level; breakers go on where they were.
    if (type === 'system_started') state.level = 'normal';
  },
};

function setName(breakers: Map<string, string>, { breaker, to }: JsonObject): void {
  if (typeof breaker !== 'string' || typeof to !== 'string') return;
  if (breakers.has(breaker) || breakers.size < namesMax) breakers.set(breaker, to);
}
