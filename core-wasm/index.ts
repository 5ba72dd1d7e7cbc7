/** The only front door of this room. */
export type { BreakerCause, BreakerSlot } from './breaker-slot.js';
export { Core } from './core.js';
export type { LatencySketch } from './latency-sketch.js';
export type { LatencySnapshot } from './latency-snapshot.js';
export type { RateLimiter } from './rate-limiter.js';
