import type { EventType, NewEvent } from '../contracts/ledger.js';
import type { BreakerTransitionEvent } from './core-breaker.js';

/** A transition as the ledger records it. What an operator ordered has types of its own. */
export function transitionEvent(transition: BreakerTransitionEvent): NewEvent {
  const { name, number, from, to, cause, monotonicMs, window, openMs, openStep, by, missed } = transition;
  return {
    type: typeOf(transition),
    module: 'kernel',
    data: {
      breaker: name,
      number,
      from,
      to,
      cause,
      monotonic_ms: monotonicMs,
      ...window,
      open_step: openStep,
      ...(to === 'open' ? { open_ms: Math.ceil(openMs) } : {}),
      ...(by === undefined ? {} : { by }),
      ...(missed === 0 ? {} : { missed }),
    },
  };
}

/** What a transition says about the recovery of the engine, if it says something: probes are the attempt. */
export function recoveryEvent({ name, from, to, cause }: BreakerTransitionEvent): NewEvent | undefined {
  const data = { target: name, strategy: 'circuit_break' };
  if (to === 'half_open') return { type: 'recovery_attempted', module: 'kernel', data };
  if (from !== 'half_open') return undefined;
  if (cause === 'probes_succeeded') return { type: 'recovery_succeeded', module: 'kernel', data };
  if (to !== 'open') return undefined;
  return { type: 'recovery_failed', module: 'kernel', data: { ...data, cause } };
}

function typeOf({ to, cause }: BreakerTransitionEvent): EventType {
  if (cause === 'reset') return 'manual_reset';
  if (cause === 'forced') return 'state_change';
  if (to === 'open') return 'circuit_opened';
  return to === 'half_open' ? 'circuit_half_opened' : 'circuit_closed';
}
