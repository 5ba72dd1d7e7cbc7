import type { BusEvents } from '../../../runtime/contracts/bus.js';
import type { DecisionMade } from '../../../runtime/contracts/decision.js';
import type { DeviceSample, LevelChange } from '../../../runtime/contracts/device.js';
import type { JsonObject } from '../../../runtime/contracts/json.js';

export type Finding =
  | { level: 'ok' }
  | {
      /** `info`: nothing to compare, or it could not be compared. `warning` and `critical` are contradictions. */
      level: 'info' | 'warning' | 'critical';
      /** Stable id of what is wrong; while it stays the same the contradiction is not reported again. */
      fault: string;
      evidence: JsonObject;
    };

export const ok: Finding = { level: 'ok' };

/** What a check is about. */
export const checkKinds = [
  'interface',
  'data_consistency',
  'temporal_coherence',
  'confidence_coherence',
  'logical_consistency',
  'behavioural_pattern',
] as const;

/** One agreement between two accounts of the same thing. It hears what modules tell each other and compares when asked. */
export interface Check {
  readonly name: string;
  readonly kind: (typeof checkKinds)[number];
  /** What must agree, in a sentence. */
  readonly about: string;
  /** The module whose account is doubted when this check finds a contradiction, or one for each fault; absent: that cannot be told. */
  readonly accountOf?: string | Readonly<Record<string, string>>;
  /** From here on all is heard, until it is called again: in between something may have been missed. */
  listening?(): void;
  promptBegan?(prompt: BusEvents['prompt.began']): void;
  answered?(answer: BusEvents['prompt.answered']): void;
  sampled?(sample: DeviceSample): void;
  decided?(decision: DecisionMade): void;
  levelChanged?(change: LevelChange): void;
  /** Called once after each sample, never twice at a time. */
  compare(): Finding | Promise<Finding>;
}
