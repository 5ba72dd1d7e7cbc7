import { isRecord, plainName } from './check.js';
import type { EngineKind, EngineView } from './types.js';

/** Most models taken from one engine, and the longest name. */
const modelsMax = 256;
const nameLengthMax = 256;

/** Names from a list of objects, fit to show: bounded in number and length, without control characters. */
export function namesIn(list: unknown, key: string): string[] {
  if (!Array.isArray(list)) return [];
  const names = new Set<string>();
  for (const item of list.slice(0, modelsMax)) {
    const name = isRecord(item) ? plainName(item[key], nameLengthMax) : '';
    if (name !== '') names.add(name);
  }
  return [...names];
}

export function absent(name: EngineKind, problem: string, where?: string): EngineView {
  return { name, state: 'absent', models: [], problem, ...(where === undefined ? {} : { where }) };
}

/** A server that answered. Without any model it is found, yet can be used only by a model that is asked for. */
export function found(
  name: EngineKind,
  view: {
    where: string;
    models: string[];
    configured?: string | undefined;
    slots?: number | undefined;
    contextTokens?: number | undefined;
    cure: string;
  },
): EngineView {
  const defaultModel = view.configured ?? view.models[0];
  return {
    name,
    state: 'found',
    where: view.where,
    models: view.models,
    ...(view.slots === undefined ? {} : { slots: view.slots }),
    ...(view.contextTokens === undefined ? {} : { contextTokens: view.contextTokens }),
    ...(defaultModel === undefined ? { problem: `It lists no model: ${view.cure}.` } : { defaultModel }),
  };
}
