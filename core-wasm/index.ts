/** The only front door of this room. */
export { BreakerRefusal, throughBreaker } from './breaker-call.js';
export type { BreakerOptions } from './breaker-options.js';
export type { SavedBreaker } from './breaker-saved.js';
export type { BreakerSlot } from './breaker-slot.js';
export type { BreakerCause, BreakerCounters, BreakerState, BreakerWindow } from './breaker-types.js';
export type { Classifier, ClassifierModel, ClassifierScore, Classifiers } from './classifier.js';
export { Core, coreModule } from './core.js';
export type { LatencySketch } from './latency-sketch.js';
export type { LatencySnapshot } from './latency-snapshot.js';
export type { RateLimiter } from './rate-limiter.js';
export { RecordedCore, type Rescored } from './recorded-core.js';
export { classifierWindows } from './reference/classifier.js';
export type { Score, ScoreInput } from './score-types.js';
