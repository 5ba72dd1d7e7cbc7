import { Child } from './child.js';
import type { Launcher } from './levels/level.js';
import { type OpinionOptions, OpinionProcess } from './opinion-process.js';
import type { SandboxOptions } from './options.js';

/** A second opinion isolated as models are, not started yet. Throws an Error when the child could not read a file. */
export function opinionProcess(
  options: OpinionOptions,
  host: Pick<SandboxOptions, 'internal' | 'watch' | 'monotonicMs' | 'onIncident'> & {
    launcher: Launcher;
    cwd: string;
  },
): OpinionProcess {
  const { launcher, cwd, internal, watch, monotonicMs, onIncident } = host;
  const { modelFile, tokenizerFile, threads, tokensMax, attackIndex, memoryBytes } = options;
  const files = [modelFile, tokenizerFile];
  for (const file of files) {
    const unreadable = launcher.unreadable(file);
    if (unreadable !== undefined) throw new Error(unreadable);
  }
  return new OpinionProcess({
    options,
    load: {
      ...{ threads, tokensMax, attackIndex },
      modelFile: launcher.inside(modelFile),
      tokenizerFile: launcher.inside(tokenizerFile),
      runtimePackage: internal?.runtimePackage ?? 'onnxruntime-node',
      tokenizersPackage: internal?.tokenizersPackage ?? '@huggingface/tokenizers',
    },
    spawn: () =>
      new Child({
        launcher,
        entry: internal?.opinionEntry ?? new URL('./opinion-host.js', import.meta.url),
        limits: { kind: 'model', memoryBytes },
        ...{ files, cwd, watch },
      }),
    monotonicMs,
    onGone: (cause) => {
      if (cause !== 'retired') onIncident({ cause, child: 'opinion' });
    },
  });
}
