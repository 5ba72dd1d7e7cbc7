import type { BehaviourFinding } from '../../../contracts/analytics.js';
import type { NumberedHour } from '../seasonal.js';

/** Looks for one kind of behaviour in the hours of a window, held against the hours before it. */
export type Look = (window: readonly NumberedHour[], before: readonly NumberedHour[]) => BehaviourFinding[];
