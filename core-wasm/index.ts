/** The only front door of this room. */
export type { BreakerCause, BreakerSlot } from './breaker-slot.js';
export { Core } from './core.js';
export type { RateLimiter } from './rate-limiter.js';
