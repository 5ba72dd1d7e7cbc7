import type { ScoreInput } from '../../core-wasm/index.js';
import type { JsonObject, JsonValue } from '../contracts/json.js';

/** The keys of a recorded input, and what they are to the core. */
const inputKeys: Record<string, keyof ScoreInput> = {
  context_relevance: 'contextRelevance',
  cpu: 'cpu',
  disk: 'disk',
  error_rate: 'errorRate',
  history_pressure: 'historyPressure',
  latency_ms: 'latencyMs',
  previous_age_ms: 'previousAgeMs',
  previous_decision: 'previousDecision',
  ram: 'ram',
  severity: 'severity',
  temperature_c: 'temperatureC',
};

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The input of a recorded decision; the name of the first key that is not known. Values are checked where they are scored. */
export function recordedInput(value: JsonValue | undefined): { input: ScoreInput } | { unknown: string } {
  if (!isObject(value)) return { unknown: 'input' };
  const input: Record<string, JsonValue> = {};
  for (const [key, given] of Object.entries(value)) {
    if (!Object.hasOwn(inputKeys, key)) return { unknown: `input.${key}` };
    input[inputKeys[key]!] = given;
  }
  return { input: input as unknown as ScoreInput };
}

/** The parameter block of a recorded decision; undefined when there is none. */
export function recordedParameters(value: JsonValue | undefined): number[] | undefined {
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'number')) return undefined;
  return value;
}
