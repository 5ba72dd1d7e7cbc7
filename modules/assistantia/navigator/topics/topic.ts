import type { ModuleContext } from '../../../../runtime/contracts/module.js';
import type { NavigatorTopic } from '../../../../runtime/contracts/sandbox.js';

export type Facts = NavigatorTopic['facts'];

/** What may be asked about: how it is recognised, and where its figures come from. */
export interface Topic {
  readonly id: string;
  /** Normalised words and phrases, English and French; `*` stands for any part of a word. */
  readonly patterns: readonly string[];
  /** Says something only when nothing else was asked. */
  readonly small?: true;
  /** Cited when the figures could not be read. */
  readonly source: string;
  /** The live figures; one entry for each thing that is told. `question` is normalised. */
  gather(context: ModuleContext, question: string): NavigatorTopic[] | Promise<NavigatorTopic[]>;
}

/** Keeps what is a fact and leaves out what is absent, so that no absent value is ever worded. */
export function facts(values: Record<string, unknown>): Facts {
  const kept: Facts = {};
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string' || typeof value === 'boolean') kept[name] = value;
    else if (typeof value === 'number' && Number.isFinite(value)) kept[name] = value;
  }
  return kept;
}
