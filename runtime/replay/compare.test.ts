import { describe, expect, it } from 'vitest';
import { coreModule, RecordedCore } from '../../core-wasm/index.js';
import { recorded, recordedMany } from '../../test/replay/decisions.js';
import { compareDecisions } from './compare.js';

const core = new RecordedCore(coreModule().bytes);

/** What the tests change of a recorded decision. */
interface Data {
  confidence: number;
  pressure: number;
  factors: Record<'consistency' | 'system_health', [number, number]>;
  input: object;
  parameters: number[];
}

/** The next number above, so that one bit differs. */
function nextUp(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  return view.getFloat64(0);
}

describe('comparison', () => {
  it('agrees with what was recorded, whatever the parameters', () => {
    expect(compareDecisions(core, recordedMany(1000))).toEqual({ agreed: 1000, differ: 0 });
    expect(compareDecisions(core, [])).toEqual({ agreed: 0, differ: 0 });
  });

  it.each<[string, (data: Data) => void, string]>([
    [
      'one bit of the confidence',
      (d) => Object.assign(d, { confidence: nextUp(d.confidence) }),
      'confidence',
    ],
    ['one bit of the pressure', (d) => Object.assign(d, { pressure: nextUp(d.pressure) }), 'pressure'],
    ['the decision', (d) => Object.assign(d, { decision: 'normal' }), 'decision'],
    ['a reason', (d) => Object.assign(d, { reasons: ['cpu_above_81'] }), 'reasons'],
    ['a missing reason', (d) => Object.assign(d, { reasons: [] }), 'reasons'],
    ['the absent factors', (d) => Object.assign(d, { absent: [] }), 'absent'],
    [
      'one bit of a score',
      (d) => {
        const scores = d.factors.consistency;
        scores[0] = nextUp(scores[0]);
      },
      'factors.consistency',
    ],
    [
      'one bit of a weight',
      (d) => {
        const scores = d.factors.system_health;
        scores[1] = nextUp(scores[1]);
      },
      'factors.system_health',
    ],
    ['a factor more', (d) => Object.assign(d.factors, { luck: [1, 1] }), 'factors'],
    ['no factors', (d) => Object.assign(d, { factors: null }), 'factors'],
    ['the version', (d) => Object.assign(d, { weights_version: 'w2-000000000000' }), 'weights_version'],
    ['an input out of bounds', (d) => Object.assign(d.input, { cpu: 101 }), 'input'],
    ['an input that is text', (d) => Object.assign(d.input, { cpu: '85' }), 'input'],
    ['an input of one bit more', (d) => Object.assign(d.input, { cpu: nextUp(85.5) }), 'confidence'],
    ['an unknown input', (d) => Object.assign(d.input, { __proto: 1 }), 'input.__proto'],
    ['no input', (d) => Object.assign(d, { input: [] }), 'input'],
    ['no parameters', (d) => Object.assign(d, { parameters: undefined }), 'parameters'],
    ['parameters of another kind', (d) => Object.assign(d, { parameters: ['0.3'] }), 'parameters'],
    ['too few parameters', (d) => Object.assign(d, { parameters: [1, 2] }), 'parameters'],
    ['parameters that cannot be', (d) => Object.assign(d, { parameters: Array(30).fill(0) }), 'input'],
    [
      'another threshold',
      (d) => {
        d.parameters[13] = 81;
      },
      'reasons',
    ],
  ])('finds %s', (_, change, field) => {
    const before = recordedMany(20);
    const changed = recorded(20, { cpu: 85.5, ram: 20.25, severity: 'low', historyPressure: 0.3 });
    change(changed.data as unknown as Data);
    const after = recordedMany(20, 21);
    const result = compareDecisions(core, [...before, changed, ...after]);
    expect(result).toMatchObject({ agreed: 40, differ: 1, first: { index: 20, field } });
  });

  it('names the first of several', () => {
    const decisions = recordedMany(30);
    for (const index of [25, 7, 12]) decisions[index]!.data.decision = 'never';
    expect(compareDecisions(core, decisions)).toMatchObject({ agreed: 27, differ: 3, first: { index: 7 } });
  });
});
