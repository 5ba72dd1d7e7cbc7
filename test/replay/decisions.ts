import { Core } from '../../core-wasm/index.js';
import { DecisionEncoder } from '../../modules/zeroia/encode.js';
import type { ScoreInput } from '../../runtime/contracts/decision.js';
import type { RecordedDecision } from '../../runtime/replay/compare.js';

const core = Core.create();
const encoder = new DecisionEncoder(core.identity);
const sets = [
  core.ownParameters({ ...core.thresholds, hysteresis: 0, cooldownMs: 0 }),
  core.ownParameters({
    ...core.thresholds,
    cpu: { monitor: 51, reduce: 68 },
    hysteresis: 0.05,
    cooldownMs: 9,
  }),
];

/** A decision as it is recorded: with the parameters of advice, or with some of the device's own. */
export function recorded(index: number, input: ScoreInput, own = false): RecordedDecision {
  const record = core.slab.scoreOwn(input, sets[own ? 1 : 0]!);
  return { index, data: JSON.parse(encoder.encode(`d-${index}`, input, record).event.text) };
}

/** As many different decisions, of both kinds. */
export function recordedMany(count: number, from = 0): RecordedDecision[] {
  return Array.from({ length: count }, (_, i) => {
    const input: ScoreInput = { cpu: (i * 17) % 101, ram: (i * 31) % 101, severity: 'low' };
    if (i % 2 === 0) input.historyPressure = 1 / (i + 1);
    if (i % 3 === 0) Object.assign(input, { previousDecision: 'reduce_load', previousAgeMs: i % 20 });
    return recorded(from + i, input, i % 5 === 0);
  });
}
