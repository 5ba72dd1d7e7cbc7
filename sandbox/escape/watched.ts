import type { Readable } from 'node:stream';
import type { Launch } from '../levels/level.js';
import { residentBytes } from '../memory.js';
import { endLaunch, onPid, startLaunch } from '../start.js';

const saidMax = 65_536;

export interface Watched {
  /** What it wrote on descriptor 3. */
  said: Buffer;
  ending: 'left' | 'killed' | 'too_big' | 'too_late' | 'not_started';
  /** What the system said when it could not be started. */
  complaint: string;
}

/** Runs a probe to its end: bounded in time and in what it may say, its memory watched as that of a worker. */
export function runWatched(
  launch: Launch,
  options: { cwd: string; memoryBytes: number; lookMs: number; timeoutMs: number; signal: AbortSignal },
): Promise<Watched> {
  return new Promise((resolve) => {
    const { child, group } = startLaunch(launch, { cwd: options.cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    const said: Buffer[] = [];
    let bytes = 0;
    let complaint = '';
    let ending: Watched['ending'] | undefined;
    let pid: number | undefined;
    onPid(child, launch, (found) => {
      pid = found;
    });
    const end = (why: Watched['ending']) => {
      ending ??= why;
      endLaunch(child, pid);
    };
    (child.stdio[3] as Readable).on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > saidMax) end('killed');
      else said.push(chunk);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, 200);
    });
    const abort = () => end('killed');
    options.signal.addEventListener('abort', abort);
    if (options.signal.aborted) abort();
    const late = setTimeout(() => end('too_late'), options.timeoutMs);
    const watch = setInterval(() => {
      if (pid === undefined) return;
      void residentBytes(pid).then((resident) => {
        if (resident !== undefined && resident > options.memoryBytes) end('too_big');
      });
    }, options.lookMs);
    child.on('error', (error) => {
      complaint = error.message;
      ending = 'not_started';
    });
    child.on('close', (code, signal) => {
      clearTimeout(late);
      clearInterval(watch);
      options.signal.removeEventListener('abort', abort);
      const own = code === 0 ? 'left' : signal !== null || (code ?? 0) > 128 ? 'killed' : 'not_started';
      const tooBig = group?.outOfMemory() ? 'too_big' : undefined;
      resolve({ said: Buffer.concat(said), ending: ending ?? tooBig ?? own, complaint });
    });
  });
}
