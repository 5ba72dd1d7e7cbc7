import type { Logger } from 'pino';
import type { Sandbox } from '../../sandbox/index.js';
import type { Bus } from '../contracts/bus.js';

/** Nobody has asked a model for so long when memory is given back for want of it. */
export const modelIdleMs = 60_000;

export interface ModelMemoryOptions {
  bus: Pick<Bus, 'subscribe'>;
  prompts: Pick<Sandbox, 'unloadModel'>;
  log: Pick<Logger, 'info' | 'error'>;
  /** Whether the degradation level lets models answer. */
  modelsMay: () => boolean;
  /** Percent of memory in use from which a model that nobody asks leaves it; 100: never. */
  ramMax: number;
}

/**
 * Gives the memory of the embedded model back where models may not answer, and where memory is short and nobody asks it. Returns what does so
 * at once. An answer that is being made is not cut short, and nobody waits for it here.
 */
export function modelMemory({ bus, prompts, log, modelsMay, ramMax }: ModelMemoryOptions): () => void {
  const unload = (why: string, options?: { idleMs: number }) => {
    prompts.unloadModel(options).then(
      (held) => held && log.info({ why }, 'the model left the memory'),
      (error: unknown) => log.error({ err: error }, 'a model stays loaded'),
    );
  };
  bus.subscribe('level.changed', () => {
    if (!modelsMay()) unload('level');
  });
  bus.subscribe('device.sampled', ({ ram }) => {
    if (ram !== undefined && ramMax < 100 && ram >= ramMax) unload('memory', { idleMs: modelIdleMs });
  });
  return () => unload('models');
}
