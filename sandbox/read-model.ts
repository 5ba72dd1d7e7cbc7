import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Child } from './child.js';
import type { Launcher } from './levels/level.js';
import type { WatchChild } from './options.js';
import { type ModelReading, SandboxError } from './types.js';

/** A reader holds one window of the file and the list of its tensors. */
const memoryBytes = 268_435_456;
/** Longest time without progress. A slow card reads 33 MB, between two tellings, in a few seconds. */
const silentMs = 60_000;

export interface ReadOptions {
  signal: AbortSignal;
  /** Told now and then how many bytes are hashed. */
  onProgress?: (bytes: number) => void;
}

/**
 * Opens a file without following a link and has a process of its own hash it and read what it says of itself.
 * @throws Error of the file system; SandboxError `aborted`, or `crashed` when the process did not come to an end.
 */
export async function readModel(
  file: string,
  how: { launcher: Launcher; cwd: string; watch?: WatchChild | undefined },
  { signal, onProgress }: ReadOptions,
): Promise<ModelReading> {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  let child: Child;
  try {
    if (!fstatSync(handle).isFile()) throw new SandboxError('crashed', 'It is no regular file.');
    child = new Child({
      ...how,
      entry: new URL('./model-reader.js', import.meta.url),
      limits: { kind: 'worker', memoryBytes },
      file: handle,
    });
  } finally {
    closeSync(handle);
  }
  try {
    return await reading(child, signal, onProgress);
  } finally {
    child.retire();
    await child.exited;
  }
}

function reading(
  child: Child,
  signal: AbortSignal,
  onProgress: ReadOptions['onProgress'],
): Promise<ModelReading> {
  return new Promise((resolve, reject) => {
    let silence = setTimeout(() => child.kill('stalled'), silentMs);
    const stop = () => child.kill('aborted');
    const settle = (conclude: () => void) => {
      clearTimeout(silence);
      signal.removeEventListener('abort', stop);
      child.onMessage = undefined;
      conclude();
    };
    child.onExit((cause) =>
      settle(() =>
        reject(
          cause === 'aborted'
            ? new SandboxError('aborted', 'Reading the model file was ended.')
            : new SandboxError('crashed', `The process that reads the model file ended (${cause}).`),
        ),
      ),
    );
    child.watchMemory(true);
    child.onMessage = (message) => {
      clearTimeout(silence);
      silence = setTimeout(() => child.kill('stalled'), silentMs);
      if (message.type === 'ready') void child.send({ type: 'examine' });
      else if (message.type === 'progress') onProgress?.(message.bytes);
      else if (message.type === 'examined') {
        const { sha256, bytes, read } = message;
        settle(() => resolve({ sha256, bytes, read }));
      } else child.kill('protocol');
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
}
