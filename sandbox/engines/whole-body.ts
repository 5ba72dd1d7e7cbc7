import { type Fields, isRealNumber, isRecord } from '../check.js';
import { vectorLengthMax } from '../types.js';
import { EngineFailure, type EngineResponse } from './port.js';
import { describeText } from './refusal.js';

/** The JSON object that a response is, whole. The broker bounds its length. */
export async function wholeBody(response: EngineResponse): Promise<Fields> {
  let text = '';
  for await (const chunk of response.chunks) text += chunk;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new EngineFailure('engine_garbage', describeText(text));
  }
  if (!isRecord(value)) throw new EngineFailure('engine_garbage', describeText(text));
  return value;
}

/** As many vectors as texts were sent, all of one length. Throws `engine_garbage`. */
export function vectorsIn(list: unknown, count: number): number[][] {
  if (!Array.isArray(list) || list.length !== count) throw new EngineFailure('engine_garbage');
  const length = Array.isArray(list[0]) ? list[0].length : 0;
  const good = list.every(
    (vector) =>
      Array.isArray(vector) && vector.length === length && vector.every((figure) => isRealNumber(figure)),
  );
  if (!good || length === 0 || length > vectorLengthMax) throw new EngineFailure('engine_garbage');
  return list as number[][];
}
