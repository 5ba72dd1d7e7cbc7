import type { RecordedCore, Rescored, Score, ScoreInput } from '../../core-wasm/index.js';
import type { JsonObject, JsonValue } from '../contracts/json.js';
import { isObject, recordedInput, recordedParameters } from './recorded-input.js';

/** One event `decision_made`. */
export interface RecordedDecision {
  index: number;
  data: JsonObject;
}

/** Where a recorded decision is not what the core makes of its input. */
export interface Difference {
  index: number;
  /** Such as `confidence` or `factors.consistency`. */
  field: string;
  recorded: string;
  replayed: string;
}

export interface Comparison {
  agreed: number;
  differ: number;
  /** The difference of the lowest index. */
  first?: Difference;
}

/** Decisions of one parameter block: a slab is scored with one block at a time. */
interface Group {
  values: number[];
  decisions: RecordedDecision[];
  inputs: ScoreInput[];
}

/** Nobody reads more of a value than this. */
const shownMax = 200;

/**
 * Scores recorded decisions again and compares each with what was recorded, bit for bit: JSON gives back every number exactly. A
 * record that cannot be scored (changed by hand, or none of ours) is a difference at the field that is wrong.
 */
export function compareDecisions(core: RecordedCore, decisions: readonly RecordedDecision[]): Comparison {
  const differences: Difference[] = [];
  const groups = new Map<string, Group>();
  for (const decision of decisions) {
    const problem = group(groups, decision);
    if (problem !== undefined) differences.push(problem);
  }
  for (const one of groups.values()) differences.push(...compareGroup(core, one));
  const comparison: Comparison = {
    agreed: decisions.length - differences.length,
    differ: differences.length,
  };
  for (const difference of differences) {
    if (comparison.first === undefined || difference.index < comparison.first.index)
      comparison.first = difference;
  }
  return comparison;
}

/** Puts a decision to those with the same parameters, or says why it cannot be scored. */
function group(groups: Map<string, Group>, decision: RecordedDecision): Difference | undefined {
  const { index, data } = decision;
  const values = recordedParameters(data.parameters);
  if (values === undefined)
    return difference(index, 'parameters', data.parameters, 'the numbers of a parameter block');
  const read = recordedInput(data.input);
  if ('unknown' in read)
    return difference(index, read.unknown, data.input, 'an input that this version knows');
  const key = values.join();
  let found = groups.get(key);
  if (found === undefined) {
    found = { values, decisions: [], inputs: [] };
    groups.set(key, found);
  }
  found.decisions.push(decision);
  found.inputs.push(read.input);
  return undefined;
}

function compareGroup(core: RecordedCore, { values, decisions, inputs }: Group): Difference[] {
  let scored: ReturnType<RecordedCore['score']>;
  try {
    scored = core.score(values, inputs);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return decisions.map(({ index }) => difference(index, 'parameters', values, error.message));
  }
  const { version, results } = scored;
  return decisions.flatMap((decision, i) => differenceOf(decision, results[i]!, version) ?? []);
}

/** The first field that differs. */
function differenceOf(
  { index, data }: RecordedDecision,
  rescored: Rescored,
  version: string,
): Difference | undefined {
  if ('refused' in rescored) return difference(index, 'input', data.input, rescored.refused);
  for (const [field, recorded, replayed] of fieldsOf(data, rescored.score, version)) {
    if (!same(recorded, replayed)) return difference(index, field, recorded, replayed);
  }
  return undefined;
}

type Field = [name: string, recorded: JsonValue | undefined, replayed: JsonValue];

function fieldsOf(data: JsonObject, score: Score, version: string): Field[] {
  const recorded = isObject(data.factors) ? data.factors : {};
  const names = score.factors.map(({ name }) => name as string);
  return [
    ['decision', data.decision, score.decision],
    ['confidence', data.confidence, score.confidence],
    ['pressure', data.pressure, score.pressure],
    ['absent', data.absent, score.absent],
    ['reasons', data.reasons, score.reasons],
    ['factors', Object.keys(recorded).sort(), [...names].sort()],
    ...score.factors.map(
      ({ name, score, weight }): Field => [`factors.${name}`, recorded[name], [score, weight]],
    ),
    ['weights_version', data.weights_version, version],
  ];
}

/** Numbers to the bit; JSON has no -0 and the core gives none. */
function same(recorded: JsonValue | undefined, replayed: JsonValue): boolean {
  if (!Array.isArray(replayed)) return Object.is(recorded, replayed);
  return (
    Array.isArray(recorded) &&
    recorded.length === replayed.length &&
    replayed.every((value, i) => same(recorded[i], value))
  );
}

function difference(
  index: number,
  field: string,
  recorded: JsonValue | undefined,
  replayed: JsonValue,
): Difference {
  const shown = (value: JsonValue | undefined) => (JSON.stringify(value) ?? 'nothing').slice(0, shownMax);
  return { index, field, recorded: shown(recorded), replayed: shown(replayed) };
}
